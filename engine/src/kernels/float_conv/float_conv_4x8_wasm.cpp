// Float convolution, up to 4 pixels x 64 channels of which 2 x 8 are in registers, WebAssembly SIMD.
//
// WebAssembly has no fused multiply-add with one result everywhere, and the sums must round as it does: once per step.
// The product of two floats is exact in a double; t = x * w + s is then rounded to 53 bits, and to a float's 24 after
// that. Two roundings differ from one only where the first ends on the middle between two floats:
//
//   Float from 2^-126 on: such a middle has the lowest 29 bits 1 0...0. These sums are rare, and are made again with the
//   exact fused multiply-add (common/fma.h). Infinity is no exception: the limit beyond which a sum rounds to it is a
//   middle too.
//   Below 2^-126 the middles are elsewhere. Let all x be multiples of 2^a and all w of 2^b with a + b >= -149. Every sum
//   is then a multiple of 2^-149, as a product is, and rounding keeps that; and such a number below 2^-126 is a float.
//   A tile whose values may be too small for that is computed exactly as a whole.
//
// A browser with relaxed SIMD has the instruction itself on most processors; then fused_sums computes the tile.
#include <wasm_simd128.h>

#include <cstring>

#include "common/fma.h"
#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_wasm.h"

namespace xnorkit {

// Computes `sums` by web/fused.cpp, or returns 0 and does nothing where a browser or a processor cannot.
extern "C" __attribute__((import_module("xnorkit"), import_name("fused_sums"))) int32_t fused_sums(const FloatTile*,
                                                                                                   int32_t pixels,
                                                                                                   float* sums);

namespace {

constexpr int kPixels = 4;
constexpr int kLanes = 8;
constexpr int kPairs = kLanes / 2;  // registers of two doubles

// The least exponent field of n floats, zeros left out; `so_far` where that is less.
uint32_t least_exponent(const float* from, int64_t n, uint32_t so_far) {
  uint32_t least = 0xffffffffu;  // of the bits without the sign, one place up, minus 1: zero is the largest
  for (int64_t i = 0; i < n; ++i) {
    uint32_t bits;
    std::memcpy(&bits, from + i, sizeof bits);
    const uint32_t size = (bits << 1) - 1;
    least = size < least ? size : least;
  }
  if (least == 0xffffffffu) return so_far;
  const uint32_t exponent = (least + 1) >> 24;
  return exponent < so_far ? exponent : so_far;
}

// Whether every product is a multiple of 2^-149: a float of exponent field e is one of 2^(e - 150), or of 2^-149 where e
// is 0.
bool keeps_multiples(const FloatTile& tile, int pixels) {
  uint32_t x = 255;
  uint32_t w = 255;
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    for (int p = 0; p < pixels; ++p) x = least_exponent(tile.source[p] + run.source, run.length, x);
    w = least_exponent(tile.weight + static_cast<int64_t>(run.weight) * tile.lanes,
                       static_cast<int64_t>(run.length) * tile.lanes, w);
  }
  return x + w >= 151;
}

__attribute__((noinline)) void exact_sums(const FloatTile& tile, int p, float* sum) {
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes;
    for (int32_t i = 0; i < run.length; ++i, weight += tile.lanes) {
      const float x = tile.source[p][run.source + i];
      for (int32_t lane = 0; lane < tile.lanes; ++lane) sum[lane] = fused_multiply_add(x, weight[lane], sum[lane]);
    }
  }
}

__attribute__((noinline)) void exact_step(float x, const float* weight, double* sum) {
  for (int lane = 0; lane < kLanes; ++lane) {
    sum[lane] = fused_multiply_add(x, weight[lane], static_cast<float>(sum[lane]));
  }
}

// All lanes: the lowest 29 bits of the doubles a and b, shifted to the top, are those of a middle.
inline __attribute__((always_inline)) v128_t middles(v128_t a, v128_t b) {
  const v128_t low = wasm_i32x4_shuffle(a, b, 0, 2, 4, 6);
  return wasm_i32x4_eq(wasm_i32x4_shl(low, 3), wasm_i32x4_const_splat(INT32_MIN));
}

// Pixels p to p + P - 1, lanes `first` to `first` + 7.
template <int P>
__attribute__((noinline)) void quick_sums(const FloatTile& tile, int pixel, int first, float (*sums)[kBlockLanes]) {
  v128_t sum[P][kPairs];
  const float* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[pixel + p];
    XNORKIT_UNROLL
    for (int n = 0; n < kPairs; ++n) sum[p][n] = wasm_f64x2_const_splat(0.0);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += tile.lanes) {
      v128_t w[kPairs];
      XNORKIT_UNROLL
      for (int n = 0; n < kPairs; ++n) w[n] = wasm_f64x2_promote_low_f32x4(wasm_v128_load64_zero(weight + 2 * n));
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const v128_t x = wasm_f64x2_splat(static_cast<double>(source[p][i]));
        v128_t t[kPairs];
        XNORKIT_UNROLL
        for (int n = 0; n < kPairs; ++n) t[n] = wasm_f64x2_add(wasm_f64x2_mul(x, w[n]), sum[p][n]);
        if (__builtin_expect(wasm_v128_any_true(wasm_v128_or(middles(t[0], t[1]), middles(t[2], t[3]))), 0)) {
          double again[kLanes];
          for (int n = 0; n < kPairs; ++n) wasm_v128_store(again + 2 * n, sum[p][n]);
          exact_step(source[p][i], weight, again);
          for (int n = 0; n < kPairs; ++n) sum[p][n] = wasm_v128_load(again + 2 * n);
        } else {
          XNORKIT_UNROLL
          for (int n = 0; n < kPairs; ++n) sum[p][n] = wasm_f64x2_promote_low_f32x4(wasm_f32x4_demote_f64x2_zero(t[n]));
        }
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kPairs; ++n) {
      wasm_v128_store64_lane(sums[pixel + p] + first + 2 * n, wasm_f32x4_demote_f64x2_zero(sum[p][n]), 0);
    }
  }
}

void sum_tile(const FloatTile& tile, int pixels, float (*sums)[kBlockLanes]) {
  if (fused_sums(&tile, pixels, sums[0]) != 0) return;
  if (!keeps_multiples(tile, pixels)) {
    for (int p = 0; p < pixels; ++p) exact_sums(tile, p, sums[p]);
    return;
  }
  for (int first = 0; first < tile.lanes; first += kLanes) {
    for (int p = 0; p + 2 <= pixels; p += 2) quick_sums<2>(tile, p, first, sums);
    if (pixels % 2 != 0) quick_sums<1>(tile, pixels - 1, first, sums);
  }
}

// One body for every number of pixels: a module is small.
__attribute__((noinline)) void float_conv(const FloatTile& tile, int pixels) {
  alignas(16) float sums[kPixels][kBlockLanes] = {};
  sum_tile(tile, pixels, sums);
  uint32_t words[kPixels][2] = {};
  for (int p = 0; p < pixels; ++p) {
    for (int lane = 0; lane < tile.lanes; lane += 16) {
      v128_t y[4];
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) {
        y[n] = wasm_f32x4_add(wasm_v128_load(sums[p] + lane + 4 * n), wasm_v128_load(tile.bias + lane + 4 * n));
      }
      words[p][lane / 32] |= run_tail<4>(tile.tail, p, lane, tile.channels, y) << (lane % 32);
    }
  }
  store_words(tile.tail, tile.channels, pixels, words);
}

template <int P>
void float_conv(const FloatTile& tile) {
  float_conv(tile, P);
}

}  // namespace

#define XNORKIT_PIXELS {float_conv<1>, float_conv<2>, float_conv<3>, float_conv<kPixels>}
const FloatConvKernels float_conv_wasm = {
    "float_conv_4x8_wasm", kPixels, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
