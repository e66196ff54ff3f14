// The tail of a row of floats in registers, AVX2: for files that carry its flags.
#pragma once

#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

// All ones in the lanes below `channels`.
inline __attribute__((always_inline)) __m256i lane_mask(int32_t channels) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(channels), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// The first `channels` of 8 lanes; some processors take 10 times as long for a store with a mask.
inline __attribute__((always_inline)) void store_lanes(float* result, int32_t channels, __m256 y) {
  if (channels >= 8) {
    _mm256_storeu_ps(result, y);
  } else {
    _mm256_maskstore_ps(result, lane_mask(channels), y);
  }
}

// Replaces y by f(y, value of the channel).
template <int N, class F>
inline __attribute__((always_inline)) void each_channel(const float* channel, __m256 (&y)[N], const F& f) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) y[n] = f(y[n], _mm256_loadu_ps(channel + 8 * n));
}

// The same where only `channels` of the values exist.
template <int N, class F>
inline __attribute__((always_inline)) void each_operand(const float* operand, int32_t channels, __m256 (&y)[N],
                                                        const F& f) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) y[n] = f(y[n], _mm256_maskload_ps(operand + 8 * n, lane_mask(channels - 8 * n)));
}

// Pixel p, N registers of 8 lanes from lane `first` of the block, `channels` of whose lanes exist.
template <int N>
inline __attribute__((always_inline)) void apply(const Pointwise& op, int p, int first, int32_t channels,
                                                 __m256 (&y)[N]) {
  const auto add = [](__m256 a, __m256 r) { return _mm256_add_ps(a, r); };
  const auto multiply = [](__m256 a, __m256 r) { return _mm256_mul_ps(a, r); };
  switch (op.kind) {
    case kAddValue:
    case kAddChannel: each_operand(op.operand[p] + first, channels - first, y, add); break;
    case kMultiplyValue:
    case kMultiplyChannel: each_operand(op.operand[p] + first, channels - first, y, multiply); break;
    case kAddPixel:
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) y[n] = add(y[n], _mm256_broadcast_ss(op.operand[p]));
      break;
    case kMultiplyPixel:
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) y[n] = multiply(y[n], _mm256_broadcast_ss(op.operand[p]));
      break;
    case kScale: each_channel(op.channel + first, y, multiply); break;
    case kShift: each_channel(op.channel + first, y, add); break;
    case kClip:
      // maxps and minps return their second operand where the first is not greater, or not less.
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) {
        y[n] = _mm256_min_ps(_mm256_max_ps(y[n], _mm256_set1_ps(op.low)), _mm256_set1_ps(op.high));
      }
      break;
    case kPrelu:
      each_channel(op.channel + first, y, [](__m256 a, __m256 c) {
        return _mm256_blendv_ps(_mm256_mul_ps(a, c), a, _mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_GE_OQ));
      });
      break;
  }
}

// Operations and floats; returns the bits before the flip where the tail makes any: bit i is lane first + i.
template <int N>
inline __attribute__((always_inline)) uint32_t run_tail(const Tail& tail, int p, int first, int32_t channels,
                                                        __m256 (&y)[N]) {
  for (int32_t i = 0; i < tail.count; ++i) apply<N>(tail.list[i], p, first, channels, y);
  uint32_t word = 0;
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const int lane = first + 8 * n;
    if (tail.result != nullptr) store_lanes(tail.result[p] + lane, channels - lane, y[n]);
    if (tail.bits != nullptr) {
      const __m256 below = _mm256_cmp_ps(y[n], _mm256_loadu_ps(tail.threshold + lane), _CMP_LT_OQ);
      word |= static_cast<uint32_t>(_mm256_movemask_ps(below)) << (8 * n);
    }
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
