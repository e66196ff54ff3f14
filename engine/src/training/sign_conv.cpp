// The forward product: activations and weights to bits, and a program of one binary convolution.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "common/bits.h"
#include "common/error.h"
#include "dispatch/table.h"
#include "spec/sums.h"
#include "threads/grain.h"
#include "threads/openmp_threads.h"
#include "threads/threads.h"
#include "xnorkit/program.h"

namespace xnorkit {
namespace {

constexpr int64_t kPixels = 64;  // packed at once: they are read three times, from the nearest cache after the first

// The bytes of a filter that a program takes: (KH, KW, I) without gaps.
std::vector<uint8_t> filter_bytes(const SignConv& conv, const SumShape& shape, const uint32_t* weight) {
  const int64_t words = (shape.group_in + 31) / 32, values = shape.taps * shape.group_in, bytes = (values + 7) / 8;
  std::vector<uint8_t> result(conv.out_channels * bytes);
  if (shape.group_in % 32 == 0) {
    std::memcpy(result.data(), weight, result.size());
    return result;
  }
  for (int64_t o = 0; o < conv.out_channels; ++o) {
    for (int64_t k = 0; k < values; ++k) {
      const uint32_t* tap = weight + (o * shape.taps + k / shape.group_in) * words;
      const bool bit = sign_of(tap, k % shape.group_in) < 0;
      result[o * bytes + k / 8] |= static_cast<uint8_t>(bit << (k % 8));
    }
  }
  return result;
}

}  // namespace

void pack_signs(const float* x, int64_t pixels, int64_t channels, float clip, uint32_t* signs, uint32_t* inside,
                int threads, const std::string& isa) {
  const OpenMpThreads shared;
  if (pixels < 0 || channels < 1 || !(clip > 0)) {
    fail("pack_signs: received ", pixels, " pixels, ", channels, " channels, clip ", clip,
         ", but there must be at least 0 pixels and 1 channel, and the clip must be above 0.");
  }
  PackKernel pack = kernel_table(isa).pack;
  if (pack == nullptr) pack = pack_portable;
  const int64_t words = (channels + 31) / 32;
  const std::vector<float> zero(channels), above(channels, clip);
  // x <= -clip, as a comparison that kernels have: x below the next float above -clip.
  const std::vector<float> below(channels, std::nextafterf(-clip, std::numeric_limits<float>::infinity()));
  const std::vector<uint32_t> no_flip(words);
  const auto body = [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * kPixels; first < std::min(end * kPixels, pixels); first += kPixels) {
      const int64_t count = std::min(kPixels, pixels - first);
      const float* source = x + first * channels;
      const auto to_bits = [&](const std::vector<float>& threshold, uint32_t* result) {
        pack({source, threshold.data(), no_flip.data(), result, count, channels, 0, 0});
      };
      uint32_t* bits = signs + first * words;
      if (inside != nullptr) {
        uint32_t* between = inside + first * words;
        to_bits(below, bits);
        to_bits(above, between);
        for (int64_t i = 0; i < count * words; ++i) between[i] &= ~bits[i];
      }
      to_bits(zero, bits);
    }
  };
  const auto cost = static_cast<double>(pixels * channels);
  parallel_for((pixels + kPixels - 1) / kPixels, cost, grain::kFloats, threads, body);
}

void sign_conv(const SignConv& conv, const uint32_t* signs, const uint32_t* weight, const float* scale,
               const float* bias, float* y, int threads, const std::string& isa) {
  const OpenMpThreads shared;
  check_sign_conv(conv);
  const SumShape shape(conv);
  const std::vector<uint8_t> filters = filter_bytes(conv, shape, weight);
  Program program("bits", conv.height, conv.width, conv.in_channels, isa);
  const int64_t bytes = static_cast<int64_t>(filters.size()) / conv.out_channels;
  const Geometry& g = conv.geometry;
  const auto list = [](const auto& numbers) { return std::vector<int64_t>(numbers.begin(), numbers.end()); };
  const Attributes attributes{{"kernel", list(g.kernel)},
                              {"stride", list(g.stride)},
                              {"padding", list(g.padding)},
                              {"dilation", list(g.dilation)},
                              {"groups", g.groups},
                              {"in_channels", conv.in_channels},
                              {"out_channels", conv.out_channels},
                              {"epilogue", std::string("float")}};
  const std::vector<int64_t> channels{conv.out_channels};
  const int result = program.add("binary_conv2d", {0}, attributes,
                                 {{"weight", {DType::u8, {conv.out_channels, bytes}, filters.data()}},
                                  {"scale", {DType::f32, channels, scale}},
                                  {"bias", {DType::f32, channels, bias}}});
  program.finish({result});
  const Input input{Input::Type::bits, signs, {conv.images, conv.height, conv.width, (conv.in_channels + 31) / 32}};
  void* results[] = {y};
  program.run(input, results, threads);
}

}  // namespace xnorkit
