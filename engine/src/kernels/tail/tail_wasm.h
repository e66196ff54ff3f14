// The tail of a row of floats in registers, WebAssembly SIMD. A file has one copy of it, so that a module is small.
#pragma once

#include <wasm_simd128.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

// Loads the lanes below `channels`, others as 0; nothing beyond them is read.
inline __attribute__((always_inline)) v128_t load_lanes(const float* from, int32_t channels) {
  if (channels >= 4) return wasm_v128_load(from);
  float lanes[4] = {};
  for (int32_t i = 0; i < channels; ++i) lanes[i] = from[i];
  return wasm_v128_load(lanes);
}

inline __attribute__((always_inline)) void store_lanes(float* to, int32_t channels, v128_t y) {
  if (channels >= 4) return wasm_v128_store(to, y);
  float lanes[4];
  wasm_v128_store(lanes, y);
  for (int32_t i = 0; i < channels; ++i) to[i] = lanes[i];
}

// Replaces y by f(y, value of the channel).
template <int N, class F>
inline __attribute__((always_inline)) void each_channel(const float* channel, v128_t (&y)[N], const F& f) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) y[n] = f(y[n], wasm_v128_load(channel + 4 * n));
}

// The same where only `channels` of the values exist.
template <int N, class F>
inline __attribute__((always_inline)) void each_operand(const float* operand, int32_t channels, v128_t (&y)[N],
                                                        const F& f) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) y[n] = f(y[n], load_lanes(operand + 4 * n, channels - 4 * n));
}

template <int N, class F>
inline __attribute__((always_inline)) void each_pixel(const float* operand, v128_t (&y)[N], const F& f) {
  const v128_t r = wasm_v128_load32_splat(operand);
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) y[n] = f(y[n], r);
}

// Pixel p, N registers of 4 lanes from lane `first` of the block, `channels` of whose lanes exist.
template <int N>
inline __attribute__((always_inline)) void apply(const Pointwise& op, int p, int first, int32_t channels,
                                                 v128_t (&y)[N]) {
  const auto add = [](v128_t a, v128_t r) { return wasm_f32x4_add(a, r); };
  const auto multiply = [](v128_t a, v128_t r) { return wasm_f32x4_mul(a, r); };
  switch (op.kind) {
    case kAddValue:
    case kAddChannel: return each_operand(op.operand[p] + first, channels - first, y, add);
    case kMultiplyValue:
    case kMultiplyChannel: return each_operand(op.operand[p] + first, channels - first, y, multiply);
    case kAddPixel: return each_pixel(op.operand[p], y, add);
    case kMultiplyPixel: return each_pixel(op.operand[p], y, multiply);
    case kScale: return each_channel(op.channel + first, y, multiply);
    case kShift: return each_channel(op.channel + first, y, add);
    case kClip: {
      // pmax(low, y) is y > low ? y : low, and pmin(high, y) is y < high ? y : high.
      const v128_t low = wasm_f32x4_splat(op.low);
      const v128_t high = wasm_f32x4_splat(op.high);
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) y[n] = wasm_f32x4_pmin(high, wasm_f32x4_pmax(low, y[n]));
      return;
    }
    case kPrelu:
      return each_channel(op.channel + first, y, [](v128_t a, v128_t c) {
        return wasm_v128_bitselect(a, wasm_f32x4_mul(a, c), wasm_f32x4_ge(a, wasm_f32x4_const_splat(0.0f)));
      });
  }
}

// Operations and floats; returns the bits before the flip where the tail makes any: bit i is lane first + i.
template <int N>
__attribute__((noinline)) uint32_t run_tail(const Tail& tail, int p, int first, int32_t channels, v128_t (&y)[N]) {
  for (int32_t i = 0; i < tail.count; ++i) apply<N>(tail.list[i], p, first, channels, y);
  uint32_t word = 0;
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const int lane = first + 4 * n;
    if (tail.result != nullptr && channels > lane) store_lanes(tail.result[p] + lane, channels - lane, y[n]);
    if (tail.bits != nullptr) {
      word |= wasm_i32x4_bitmask(wasm_f32x4_lt(y[n], wasm_v128_load(tail.threshold + lane))) << (4 * n);
    }
  }
  return word;
}

// The words of a tile's bits, of its pixels and `channels` lanes, to where the tail wants them.
inline void store_words(const Tail& tail, int32_t channels, int pixels, const uint32_t (*words)[2]) {
  if (tail.bits == nullptr) return;
  for (int p = 0; p < pixels; ++p) {
    for (int i = 0; i < (channels + 31) / 32; ++i) tail.bits[p][i] = words[p][i] ^ tail.flip[i];
  }
}

}  // namespace
}  // namespace xnorkit
