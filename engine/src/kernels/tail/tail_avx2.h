// The tail of a tile of floats in registers, AVX2: for files that carry its flags.
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

// Replaces y by f(y, value of the channel); one load serves all pixels.
template <int P, int N, class F>
inline __attribute__((always_inline)) void each_channel(const float* channel, __m256 (&y)[P][N], const F& f) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m256 c = _mm256_loadu_ps(channel + 8 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) y[p][n] = f(y[p][n], c);
  }
}

// Replaces y by f(y, operand of its pixel and channel), `channels` of which exist from lane `first` on.
template <int P, int N, class F>
inline __attribute__((always_inline)) void each_operand(const float* const* operand, int first, int32_t channels,
                                                        __m256 (&y)[P][N], const F& f) {
  const bool whole = channels - first >= 8 * N;
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const int lane = first + 8 * n;
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      const float* const from = operand[p] + lane;
      y[p][n] = f(y[p][n], whole ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, lane_mask(channels - lane)));
    }
  }
}

// Replaces y by f(y, operand of its pixel).
template <int P, int N, class F>
inline __attribute__((always_inline)) void each_pixel(const float* const* operand, __m256 (&y)[P][N], const F& f) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    const __m256 r = _mm256_broadcast_ss(operand[p]);
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) y[p][n] = f(y[p][n], r);
  }
}

// P pixels from pixel `pixel`, N registers of 8 lanes from lane `first` of the block, `channels` of whose lanes exist.
template <int P, int N>
inline __attribute__((always_inline)) void apply(const Pointwise& op, int pixel, int first, int32_t channels,
                                                 __m256 (&y)[P][N]) {
  const auto add = [](__m256 a, __m256 r) { return _mm256_add_ps(a, r); };
  const auto multiply = [](__m256 a, __m256 r) { return _mm256_mul_ps(a, r); };
  switch (op.kind) {
    case kAddValue:
    case kAddChannel: each_operand(op.operand + pixel, first, channels, y, add); break;
    case kMultiplyValue:
    case kMultiplyChannel: each_operand(op.operand + pixel, first, channels, y, multiply); break;
    case kAddPixel: each_pixel(op.operand + pixel, y, add); break;
    case kMultiplyPixel: each_pixel(op.operand + pixel, y, multiply); break;
    case kScale: each_channel(op.channel + first, y, multiply); break;
    case kShift: each_channel(op.channel + first, y, add); break;
    case kClip: {
      // maxps and minps return their second operand where the first is not greater, or not less.
      const __m256 low = _mm256_set1_ps(op.low);
      const __m256 high = _mm256_set1_ps(op.high);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) y[p][n] = _mm256_min_ps(_mm256_max_ps(y[p][n], low), high);
      }
      break;
    }
    case kPrelu:
      each_channel(op.channel + first, y, [](__m256 a, __m256 c) {
        return _mm256_blendv_ps(_mm256_mul_ps(a, c), a, _mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_GE_OQ));
      });
      break;
  }
}

// Operations and floats; where the tail makes bits, bits[p] gets those of pixel `pixel` + p before the flip: bit i is
// lane i.
template <int P, int N>
inline __attribute__((always_inline)) void run_tail(const Tail& tail, int pixel, int first, int32_t channels,
                                                    __m256 (&y)[P][N], uint64_t (&bits)[P]) {
  for (int32_t i = 0; i < tail.count; ++i) apply<P, N>(tail.list[i], pixel, first, channels, y);
  if (tail.result != nullptr) {
    float* result[P];  // read before the stores, which compilers take for stores to the tail, too
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) result[p] = tail.result[pixel + p] + first;
    if (channels - first >= 8 * N) {
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) _mm256_storeu_ps(result[p] + 8 * n, y[p][n]);
      }
    } else {
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) store_lanes(result[p] + 8 * n, channels - first - 8 * n, y[p][n]);
      }
    }
  }
  if (tail.bits == nullptr) return;
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    uint64_t word = 0;
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      const __m256 threshold = _mm256_loadu_ps(tail.threshold + first + 8 * n);
      const int below = _mm256_movemask_ps(_mm256_cmp_ps(y[p][n], threshold, _CMP_LT_OQ));
      word |= static_cast<uint64_t>(static_cast<uint32_t>(below)) << (8 * n);
    }
    bits[p] |= word << first;
  }
}

// The words of the bits of P pixels from pixel `pixel`, of `channels` lanes, to where the tail wants them.
template <int P>
inline __attribute__((always_inline)) void store_words(const Tail& tail, int pixel, int32_t channels,
                                                       const uint64_t (&bits)[P]) {
  if (tail.bits == nullptr) return;
  for (int p = 0; p < P; ++p) {
    for (int i = 0; i < (channels + 31) / 32; ++i) {
      tail.bits[pixel + p][i] = static_cast<uint32_t>(bits[p] >> (32 * i)) ^ tail.flip[i];
    }
  }
}

}  // namespace
}  // namespace xnorkit
