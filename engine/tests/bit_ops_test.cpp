// Pack and max-pool on bits: every instruction set against the reference, per channel and per position.
#include <limits>

#include "data.h"

namespace {

using xnorkit::Geometry;
using xnorkit::Input;
using xnorkit::Program;

void check_pack(int64_t images, int64_t height, int64_t width, int64_t channels,
                const std::vector<int>& threads = {1}) {
  data::Random random(static_cast<uint32_t>(channels));
  const auto image = random.floats(images * channels * height * width);
  auto threshold = random.floats(channels);
  threshold[0] = std::numeric_limits<float>::infinity();
  threshold[channels - 1] = -0.0f;
  const auto flip = random.flags(channels);
  const int64_t positions = height * width * channels;
  const auto thresholds = random.floats(positions);
  const auto flips = random.flags(positions);
  data::check_isas(
      "pack " + std::to_string(channels), "image", height, width, channels,
      {Input::Type::float32, image.data(), {images, channels, height, width}},
      [&](Program& program) {
        const int each = program.pack(0, data::view(thresholds, {height, width, channels}),
                                      data::view(flips, {height, width, channels}));
        program.finish({program.pack(0, data::view(threshold, {channels}), data::view(flip, {channels})), each});
      },
      threads);
}

void check_pool(int64_t images, int64_t height, int64_t width, int64_t channels, const Geometry& geometry,
                const std::vector<int>& threads = {1}) {
  data::Random random(static_cast<uint32_t>(channels));
  const auto image = random.words(images * height * width, channels);
  const auto falling = random.flags(channels);
  data::check_isas(
      "pool " + std::to_string(channels), "bits", height, width, channels,
      {Input::Type::bits, image.data(), {images, height, width, (channels + 31) / 32}},
      [&](Program& program) { program.finish({program.max_pool_bits(0, geometry, data::view(falling, {channels}))}); },
      threads);
}

}  // namespace

int main() {
  for (const int64_t c : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130}) {
    check_pack(2, 3, 5, c);
    check_pool(2, 5, 7, c, {{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}, 1});
    check_pool(1, 5, 7, c, {{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 1});
  }
  for (const int64_t kernel : {1, 2, 3})
    for (const int64_t stride : {1, 2, 3})
      for (const int64_t dilation : {1, 2})
        for (const auto& padding : {std::array<int64_t, 4>{0, 0, 0, 0}, {1, 1, 1, 1}, {1, 0, 0, 1}}) {
          if (kernel == 1 && padding != std::array<int64_t, 4>{0, 0, 0, 0}) continue;
          check_pool(2, 6, 9, 35, {{kernel, kernel}, {stride, stride}, padding, {dilation, dilation}, 1});
        }
  check_pool(1, 1, 9, 35, {{1, 3}, {1, 2}, {0, 2, 0, 1}, {1, 1}, 1});
  check_pack(17, 40, 30, 64, {1, 2, 3});
  check_pool(17, 40, 30, 64, {{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}, 1}, {1, 2, 3});
  return check::finish();
}
