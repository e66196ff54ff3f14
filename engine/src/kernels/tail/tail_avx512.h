// The tail of a tile of floats in registers, AVX-512: for files that carry its flags.
#pragma once

#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

// Lanes 16n to 16n + 15 that have a channel.
inline __attribute__((always_inline)) __mmask16 lane_mask(int32_t channels, int n) {
  const int32_t left = channels - 16 * n;
  return left >= 16 ? 0xffff : left <= 0 ? 0 : static_cast<__mmask16>((1u << left) - 1);
}

// Replaces y by f(y, channel value); one load serves all pixels.
template <int P, int N, class F>
inline __attribute__((always_inline)) void each_channel(const float* channel, __m512 (&y)[P][N], const F& f) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m512 c = _mm512_loadu_ps(channel + 16 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) y[p][n] = f(y[p][n], c);
  }
}

// Replaces y by f(y, operand of its pixel and channel).
template <int P, int N, class F>
inline __attribute__((always_inline)) void each_operand(const float* const* operand, int32_t channels,
                                                        __m512 (&y)[P][N], const F& f) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      y[p][n] = f(y[p][n], _mm512_maskz_loadu_ps(lane_mask(channels, n), operand[p] + 16 * n));
    }
  }
}

// Replaces y by f(y, operand of its pixel).
template <int P, int N, class F>
inline __attribute__((always_inline)) void each_pixel(const float* const* operand, __m512 (&y)[P][N], const F& f) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    const __m512 r = _mm512_set1_ps(*operand[p]);
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) y[p][n] = f(y[p][n], r);
  }
}

template <int P, int N>
inline __attribute__((always_inline)) void apply(const Pointwise& op, int32_t channels, __m512 (&y)[P][N]) {
  switch (op.kind) {
    case kAddValue:
    case kAddChannel:
      each_operand(op.operand, channels, y, [](__m512 a, __m512 r) { return _mm512_add_ps(a, r); });
      break;
    case kMultiplyValue:
    case kMultiplyChannel:
      each_operand(op.operand, channels, y, [](__m512 a, __m512 r) { return _mm512_mul_ps(a, r); });
      break;
    case kAddPixel: each_pixel(op.operand, y, [](__m512 a, __m512 r) { return _mm512_add_ps(a, r); }); break;
    case kMultiplyPixel: each_pixel(op.operand, y, [](__m512 a, __m512 r) { return _mm512_mul_ps(a, r); }); break;
    case kScale: each_channel(op.channel, y, [](__m512 a, __m512 c) { return _mm512_mul_ps(a, c); }); break;
    case kShift: each_channel(op.channel, y, [](__m512 a, __m512 c) { return _mm512_add_ps(a, c); }); break;
    case kClip: {
      // maxps and minps return their second operand where the first is not greater, or not less.
      const __m512 low = _mm512_set1_ps(op.low);
      const __m512 high = _mm512_set1_ps(op.high);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) y[p][n] = _mm512_min_ps(_mm512_max_ps(y[p][n], low), high);
      }
      break;
    }
    case kPrelu:
      each_channel(op.channel, y, [](__m512 a, __m512 c) {
        return _mm512_mask_mul_ps(a, _mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_NGE_UQ), a, c);
      });
      break;
  }
}

// Operations, floats, bits; N registers of 16 lanes from lane 0, `channels` of which exist.
template <int P, int N>
inline __attribute__((always_inline)) void run_tail(const Tail& tail, int32_t channels, __m512 (&y)[P][N]) {
  for (int32_t i = 0; i < tail.count; ++i) apply<P, N>(tail.list[i], channels, y);
  if (tail.result != nullptr) {
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) _mm512_mask_storeu_ps(tail.result[p] + 16 * n, lane_mask(channels, n), y[p][n]);
    }
  }
  if (tail.bits == nullptr) return;
  XNORKIT_UNROLL
  for (int n = 0; n < N; n += 2) {
    const __m512 low_threshold = _mm512_loadu_ps(tail.threshold + 16 * n);
    const __m512 high_threshold = n + 1 < N ? _mm512_loadu_ps(tail.threshold + 16 * (n + 1)) : _mm512_setzero_ps();
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      const __mmask16 low = _mm512_cmp_ps_mask(y[p][n], low_threshold, _CMP_LT_OQ);
      const __mmask16 high =
          n + 1 < N ? _mm512_cmp_ps_mask(y[p][n + 1 < N ? n + 1 : n], high_threshold, _CMP_LT_OQ) : 0;
      tail.bits[p][n / 2] = _mm512_kunpackw(high, low) ^ tail.flip[n / 2];
    }
  }
}

}  // namespace
}  // namespace xnorkit
