// 8-bit convolution: every instruction set against the reference, all epilogues at once; quantization too.
#include "data.h"

namespace {

using typed::Program;
using xnorkit::Geometry;
using xnorkit::Input;

template <class T>
std::vector<T> bytes(data::Random& random, int64_t count) {
  std::vector<T> values(count);
  for (T& v : values) v = static_cast<T>(std::is_signed_v<T> ? random.below(255) - 127 : random.below(256));
  return values;
}

void check_case(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t o, const Geometry& g,
                const std::vector<int>& threads = {1}) {
  data::Random random(static_cast<uint32_t>(100 * channels + o));
  const auto image = bytes<uint8_t>(random, images * channels * height * width);
  const int64_t k = g.taps() * channels / g.groups;
  const auto weight = bytes<int8_t>(random, o * k);
  const auto zero = bytes<uint8_t>(random, channels);
  const auto bias = random.integers(o, 100000);
  const auto reach = static_cast<int32_t>(1 + k * 500);
  const auto threshold = random.integers(o, reach);
  const auto flip = random.flags(o);
  const auto scale = random.rough_floats(o);
  data::check_isas(
      std::to_string(channels) + " to " + std::to_string(o) + " channels, kernel " + std::to_string(g.kernel[0]) +
          ", groups " + std::to_string(g.groups),
      "pixels", height, width, channels, {Input::Type::uint8, image.data(), {images, channels, height, width}},
      [&](Program& program) {
        const auto q = data::view(weight, {o, g.kernel[0], g.kernel[1], channels / g.groups});
        const auto z = data::view(zero, {channels});
        const auto b = data::view(bias, {o});
        const int i32 = program.int8_conv2d_i32(0, q, z, b, g);
        const int f32 = program.int8_conv2d_f32(0, q, z, b, g, data::view(scale, {o}));
        const int bits = program.int8_conv2d_bits(0, q, z, b, g, data::view(threshold, {o}), data::view(flip, {o}));
        const auto [kind, oh, ow, oc] = program.info(bits);
        data::Random more(7);
        const auto thresholds = more.integers(oh * ow * oc, reach);
        const auto flips = more.flags(oh * ow * oc);
        const int each = program.int8_conv2d_bits(0, q, z, b, g, data::view(thresholds, {oh, ow, oc}),
                                                  data::view(flips, {oh, ow, oc}));
        program.finish({each, i32, bits, f32});
      },
      threads);
}

// Floats to 8 bits, then a linear layer on them.
void check_quantized(int64_t images, int64_t channels, int64_t o, float scale, int64_t zero_point) {
  data::Random random(static_cast<uint32_t>(channels));
  auto values = random.floats(images * channels);
  values[0] = 1e30f;
  values[images * channels - 1] = -1e30f;
  const auto weight = bytes<int8_t>(random, o * channels);
  const std::vector<uint8_t> zero(channels, static_cast<uint8_t>(zero_point));
  const auto bias = random.integers(o, 1000);
  data::check_isas("quantized, " + std::to_string(channels) + " channels", "image", 1, 1, channels,
                   {Input::Type::float32, values.data(), {images, channels, 1, 1}}, [&](Program& program) {
                     const int u = program.quantize_u8(0, scale, zero_point);
                     const int sums = program.int8_conv2d_i32(u, data::view(weight, {o, 1, 1, channels}),
                                                              data::view(zero, {channels}), data::view(bias, {o}), {});
                     program.finish({u, sums});
                   });
}

}  // namespace

int main() {
  const Geometry same{{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  for (const int64_t c : {1, 2, 3, 4, 5, 7, 8, 9, 16, 33})
    for (const int64_t o : {1, 2, 7, 15, 16, 17, 20, 31, 32, 33, 47, 49, 63, 64, 65, 130}) {
      check_case(1, 3, 4, c, o, same);
    }
  for (int64_t width = 1; width <= 14; ++width) check_case(1, 1, width, 4, 20, {});
  for (const int64_t kernel : {1, 2, 3, 5, 7})
    for (const int64_t stride : {1, 2, 4})
      for (const auto& padding : {std::array<int64_t, 4>{0, 0, 0, 0}, {2, 2, 2, 2}, {3, 0, 1, 2}}) {
        check_case(2, 9, 8, 3, 33, {{kernel, kernel}, {stride, stride}, padding, {1, 1}, 1});
      }
  check_case(1, 9, 9, 2, 5, {{3, 2}, {2, 1}, {0, 1, 2, 0}, {2, 3}, 1});
  // Grouped: several groups in a block, a group in several blocks, depthwise.
  check_case(2, 5, 6, 6, 9, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 3});
  check_case(2, 5, 6, 8, 136, {{2, 3}, {2, 1}, {1, 0, 0, 2}, {1, 2}, 2});
  check_case(2, 5, 6, 70, 70, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 70});
  for (const int64_t c : {2, 15, 16, 17, 40, 64, 129}) {
    check_case(1, 5, 6, c, c, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, c});
    check_case(2, 7, 6, c, c, {{2, 5}, {2, 1}, {0, 3, 1, 0}, {2, 1}, c});
  }
  check_case(1, 4, 4, 12, 24, {{1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 4});
  for (const int64_t images : {1, 2, 5, 17}) check_case(images, 4, 3, 42, 10, {{4, 3}});
  check_case(5, 28, 28, 3, 40, {{5, 5}, {1, 1}, {2, 2, 2, 2}, {1, 1}, 1}, {1, 2, 3});
  for (const int64_t channels : {1, 4, 7, 500}) check_quantized(3, channels, 10, 0.0078125f, 128);
  check_quantized(17, 64, 33, 0.0123f, 0);
  return check::finish();
}
