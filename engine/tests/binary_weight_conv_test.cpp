// Floats with binary weights: every instruction set returns the reference's bits.
#include "data.h"

namespace {

using typed::Program;
using xnorkit::Geometry;

void check_case(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t o, const Geometry& g,
                const std::vector<int>& threads = {1}) {
  data::Random random(static_cast<uint32_t>(100 * channels + o));
  const auto image = random.rough_floats(images * channels * height * width);
  const int64_t k = g.taps() * channels / g.groups;
  const auto weight = random.filters(o, k);
  const auto scale = random.rough_floats(o);
  const auto bias = random.rough_floats(o);
  data::check_isas(
      std::to_string(channels) + " to " + std::to_string(o) + " channels, kernel " + std::to_string(g.kernel[0]),
      "image", height, width, channels,
      {xnorkit::Input::Type::float32, image.data(), {images, channels, height, width}},
      [&](Program& program) {
        program.finish({program.binary_weight_conv2d(0, data::view(weight, {o, (k + 7) / 8}), o, g,
                                                     data::view(scale, {o}), data::view(bias, {o}))});
      },
      threads);
}

}  // namespace

int main() {
  const Geometry same{{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  for (const int64_t c : {1, 2, 3, 4, 5, 7, 8, 9, 31, 33})
    for (const int64_t o : {1, 2, 7, 10, 15, 16, 17, 20, 31, 33, 47, 48, 49, 64, 65, 130}) {
      check_case(1, 3, 4, c, o, same);
    }
  for (int64_t width = 1; width <= 14; ++width) check_case(1, 1, width, 3, 20, {});
  for (const int64_t kernel : {1, 2, 5})
    for (const int64_t stride : {1, 2, 4}) {
      check_case(2, 9, 8, 3, 33, {{kernel, kernel}, {stride, stride}, {2, 0, 1, 2}, {1, 1}, 1});
    }
  check_case(2, 5, 6, 6, 9, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 3});
  check_case(2, 5, 6, 8, 136, {{2, 3}, {2, 1}, {1, 0, 0, 2}, {1, 2}, 2});
  check_case(2, 5, 6, 20, 20, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 20});
  for (const int64_t c : {2, 16, 33, 70}) check_case(2, 5, 7, c, c, {{3, 2}, {2, 1}, {1, 0, 2, 1}, {1, 2}, c});
  for (const int64_t images : {1, 2, 5, 17}) check_case(images, 1, 1, 500, 10, {});
  check_case(5, 28, 28, 3, 40, {{5, 5}, {1, 1}, {2, 2, 2, 2}, {1, 1}, 1}, {1, 2, 3});
  return check::finish();
}
