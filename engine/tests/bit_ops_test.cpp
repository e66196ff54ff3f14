// Pack and max-pool on bits: every instruction set against the reference, per channel and per position.
#include <limits>

#include "data.h"

namespace {

using typed::Program;
using xnorkit::Geometry;
using xnorkit::Input;

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

// A program whose only step that reads the input is a pack: the images are packed as the caller has them.
void check_pack_images(int64_t images, int64_t height, int64_t width, int64_t channels, bool per_position,
                       const std::vector<int>& threads = {1}) {
  data::Random random(static_cast<uint32_t>(channels + 1));
  const int64_t count = images * channels * height * width;
  const auto floats = random.floats(count);
  std::vector<uint8_t> pixels(count);
  for (uint8_t& u : pixels) u = static_cast<uint8_t>(random.below(256));
  const auto table = random.floats(channels * 256);
  const std::vector<int64_t> row =
      per_position ? std::vector<int64_t>{height, width, channels} : std::vector<int64_t>{channels};
  auto threshold = random.floats(per_position ? height * width * channels : channels);
  threshold[0] = -std::numeric_limits<float>::infinity();
  const auto flip = random.flags(static_cast<int64_t>(threshold.size()));
  const auto build = [&](Program& program) {
    program.finish({program.pack(0, data::view(threshold, row), data::view(flip, row))});
  };
  const auto with_table = [&](Program& program) {
    program.set_uint8_table(data::view(table, {channels, 256}));
    build(program);
  };
  const std::string what = "pack images " + std::to_string(channels) + (per_position ? " per position" : "");
  const std::vector<int64_t> planes{images, channels, height, width};
  data::check_isas(what, "image", height, width, channels, {Input::Type::float32, floats.data(), planes}, build,
                   threads);
  data::check_isas(what + " uint8", "image", height, width, channels, {Input::Type::uint8, pixels.data(), planes},
                   with_table, threads);
  data::check_isas(what + " values", "f32", height, width, channels,
                   {Input::Type::float32, floats.data(), {images, height, width, channels}}, build, threads);
}

// NaN and infinity in every place of an image are found, and named.
void check_refusals(const std::string& isa, int64_t height, int64_t width, int64_t channels) {
  const int64_t count = 2 * channels * height * width;
  std::vector<float> floats(count, -3e38f);
  const std::vector<float> threshold(channels, 0.0f);
  const std::vector<uint8_t> flip(channels, 0);
  for (const bool planes : {true, false}) {
    Program program(planes ? "image" : "f32", height, width, channels, isa);
    program.finish({program.pack(0, data::view(threshold, {channels}), data::view(flip, {channels}))});
    const std::vector<int64_t> shape =
        planes ? std::vector<int64_t>{2, channels, height, width} : std::vector<int64_t>{2, height, width, channels};
    const Input input{Input::Type::float32, floats.data(), shape};
    data::run(program, input, 1);
    for (int64_t i = 0; i < count; ++i) {
      floats[i] = i % 3 == 0 ? std::numeric_limits<float>::quiet_NaN()
                             : (i % 3 == 1 ? 1 : -1) * std::numeric_limits<float>::infinity();
      const int64_t inside = i % (count / 2);
      const int64_t channel = planes ? inside / (height * width) : inside % channels;
      const int64_t pixel = planes ? inside % (height * width) : inside / channels;
      CHECK_THROWS(data::run(program, input, 1),
                   "at image " + std::to_string(i / (count / 2)) + ", channel " + std::to_string(channel) + ", row " +
                       std::to_string(pixel / width) + ", column " + std::to_string(pixel % width) +
                       ", but it must hold finite numbers.");
      floats[i] = 3e38f;
    }
  }
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

void check_pad(int64_t images, int64_t height, int64_t width, int64_t channels, const std::array<int64_t, 4>& padding,
               const std::vector<int>& threads = {1}) {
  data::Random random(static_cast<uint32_t>(channels));
  const auto image = random.words(images * height * width, channels);
  data::check_isas(
      "pad " + std::to_string(channels), "bits", height, width, channels,
      {Input::Type::bits, image.data(), {images, height, width, (channels + 31) / 32}},
      [&](Program& program) { program.finish({program.pad_bits(0, padding)}); }, threads);
}

}  // namespace

int main() {
  for (const int64_t c : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130}) {
    check_pack(2, 3, 5, c);
    check_pack_images(2, 3, 5, c, false);
    check_pack_images(1, 2, 3, c, true);
    check_pool(2, 5, 7, c, {{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}, 1});
    check_pool(1, 5, 7, c, {{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 1});
    check_pad(2, 3, 5, c, {1, 2, 0, 3});
  }
  check_pad(1, 4, 4, 70, {0, 0, 0, 0});
  check_pad(3, 40, 70, 33, {2, 1, 1, 2}, {1, 2, 3});
  for (const int64_t kernel : {1, 2, 3})
    for (const int64_t stride : {1, 2, 3})
      for (const auto& padding : {std::array<int64_t, 4>{0, 0, 0, 0}, {1, 1, 1, 1}, {1, 0, 0, 1}}) {
        if (kernel == 1 && padding != std::array<int64_t, 4>{0, 0, 0, 0}) continue;
        check_pool(2, 6, 9, 35, {{kernel, kernel}, {stride, stride}, padding, {1, 1}, 1});
      }
  check_pool(1, 1, 9, 35, {{1, 3}, {1, 2}, {0, 2, 0, 1}, {1, 1}, 1});
  check_pack(17, 40, 30, 64, {1, 2, 3});
  check_pack_images(17, 40, 30, 64, false, {1, 2, 3});
  check_pack_images(3, 40, 30, 33, true, {1, 2, 3});
  // Whole and broken registers of pixels.
  for (const int64_t width : {1, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 81, 127, 129}) {
    check_pack_images(1, 1, width, 37, false);
  }
  for (const std::string& isa : xnorkit::isas()) {
    check_refusals(isa, 3, 29, 3);
    check_refusals(isa, 1, 2, 35);
  }
  check_pool(17, 40, 30, 64, {{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}, 1}, {1, 2, 3});
  return check::finish();
}
