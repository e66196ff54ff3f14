// The tail of a row of floats in registers, NEON.
#pragma once

#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

// Bit i is the top bit of lane i.
inline __attribute__((always_inline)) uint32_t lane_bits(uint32x4_t lanes) {
  const int32_t shifts[4] = {0, 1, 2, 3};
  return vaddvq_u32(vshlq_u32(vshrq_n_u32(lanes, 31), vld1q_s32(shifts)));
}

// Loads the lanes below `channels`, others as 0; nothing beyond them is read.
inline __attribute__((always_inline)) float32x4_t load_lanes(const float* from, int32_t channels) {
  if (channels >= 4) return vld1q_f32(from);
  float lanes[4] = {};
  for (int32_t i = 0; i < channels; ++i) lanes[i] = from[i];
  return vld1q_f32(lanes);
}

inline __attribute__((always_inline)) void store_lanes(float* to, int32_t channels, float32x4_t y) {
  if (channels >= 4) return vst1q_f32(to, y);
  float lanes[4];
  vst1q_f32(lanes, y);
  for (int32_t i = 0; i < channels; ++i) to[i] = lanes[i];
}

// Replaces y by f(y, value of the channel).
template <int N, class F>
inline __attribute__((always_inline)) void each_channel(const float* channel, float32x4_t (&y)[N], const F& f) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) y[n] = f(y[n], vld1q_f32(channel + 4 * n));
}

// The same where only `channels` of the values exist.
template <int N, class F>
inline __attribute__((always_inline)) void each_operand(const float* operand, int32_t channels, float32x4_t (&y)[N],
                                                        const F& f) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) y[n] = f(y[n], load_lanes(operand + 4 * n, channels - 4 * n));
}

// Pixel p, N registers of 4 lanes from lane `first` of the block, `channels` of whose lanes exist.
template <int N>
inline __attribute__((always_inline)) void apply(const Pointwise& op, int p, int first, int32_t channels,
                                                 float32x4_t (&y)[N]) {
  const auto add = [](float32x4_t a, float32x4_t r) { return vaddq_f32(a, r); };
  const auto multiply = [](float32x4_t a, float32x4_t r) { return vmulq_f32(a, r); };
  switch (op.kind) {
    case kAddValue:
    case kAddChannel: each_operand(op.operand[p] + first, channels - first, y, add); break;
    case kMultiplyValue:
    case kMultiplyChannel: each_operand(op.operand[p] + first, channels - first, y, multiply); break;
    case kAddPixel:
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) y[n] = add(y[n], vdupq_n_f32(*op.operand[p]));
      break;
    case kMultiplyPixel:
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) y[n] = multiply(y[n], vdupq_n_f32(*op.operand[p]));
      break;
    case kScale: each_channel(op.channel + first, y, multiply); break;
    case kShift: each_channel(op.channel + first, y, add); break;
    case kClip: {
      // Selections, not fmax and fmin: those return +0 of two zeros in either order.
      const float32x4_t low = vdupq_n_f32(op.low);
      const float32x4_t high = vdupq_n_f32(op.high);
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) {
        const float32x4_t raised = vbslq_f32(vcgtq_f32(y[n], low), y[n], low);
        y[n] = vbslq_f32(vcltq_f32(raised, high), raised, high);
      }
      break;
    }
    case kPrelu:
      each_channel(op.channel + first, y,
                   [](float32x4_t a, float32x4_t c) { return vbslq_f32(vcgezq_f32(a), a, vmulq_f32(a, c)); });
      break;
  }
}

// Operations and floats; returns the bits before the flip where the tail makes any: bit i is lane first + i.
template <int N>
inline __attribute__((always_inline)) uint32_t run_tail(const Tail& tail, int p, int first, int32_t channels,
                                                        float32x4_t (&y)[N]) {
  for (int32_t i = 0; i < tail.count; ++i) apply<N>(tail.list[i], p, first, channels, y);
  uint32_t word = 0;
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const int lane = first + 4 * n;
    if (tail.result != nullptr && channels > lane) store_lanes(tail.result[p] + lane, channels - lane, y[n]);
    if (tail.bits != nullptr) word |= lane_bits(vcltq_f32(y[n], vld1q_f32(tail.threshold + lane))) << (4 * n);
  }
  return word;
}

// The words of a tile's bits, of P pixels and `channels` lanes, to where the tail wants them.
template <int P>
inline __attribute__((always_inline)) void store_words(const Tail& tail, int32_t channels,
                                                       const uint32_t (&words)[P][2]) {
  if (tail.bits == nullptr) return;
  for (int p = 0; p < P; ++p) {
    for (int i = 0; i < (channels + 31) / 32; ++i) tail.bits[p][i] = words[p][i] ^ tail.flip[i];
  }
}

}  // namespace
}  // namespace xnorkit
