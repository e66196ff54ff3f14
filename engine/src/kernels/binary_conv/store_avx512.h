// From counts of differing bits to results, AVX-512: for files that carry its flags.
#pragma once

#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_avx512.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) __m512i dot(const BinaryTile& tile, __m512i differing) {
  return _mm512_sub_epi32(_mm512_set1_epi32(tile.valid_k), _mm512_slli_epi32(differing, 1));
}

// One row of limits is loaded once for all pixels.
template <int P, int N>
inline __attribute__((always_inline)) void store_bits_one_limit(const BinaryTile& tile,
                                                                const __m512i (&differing)[P][N]) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; n += 2) {
    const __m512i low_limit = _mm512_loadu_si512(tile.limit[0] + 16 * n);
    const __m512i high_limit = _mm512_loadu_si512(tile.limit[0] + 16 * (n + 1));
    const uint32_t flip = tile.flip[0][n / 2];
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      const __mmask16 low = _mm512_cmpgt_epi32_mask(differing[p][n], low_limit);
      const __mmask16 high = _mm512_cmpgt_epi32_mask(differing[p][n + 1], high_limit);
      static_cast<uint32_t*>(tile.result[p])[n / 2] = _mm512_kunpackw(high, low) ^ flip;
    }
  }
}

template <int P, int N>
inline __attribute__((always_inline)) void store_bits(const BinaryTile& tile, const __m512i (&differing)[P][N]) {
  if (tile.one_limit) return store_bits_one_limit<P, N>(tile, differing);
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; n += 2) {
      const int32_t* limit = tile.limit[p] + 16 * n;
      const __mmask16 low = _mm512_cmpgt_epi32_mask(differing[p][n], _mm512_loadu_si512(limit));
      const __mmask16 high = _mm512_cmpgt_epi32_mask(differing[p][n + 1], _mm512_loadu_si512(limit + 16));
      static_cast<uint32_t*>(tile.result[p])[n / 2] = _mm512_kunpackw(high, low) ^ tile.flip[p][n / 2];
    }
  }
}

template <int P, int N>
inline __attribute__((always_inline)) void store_floats(const BinaryTile& tile, const __m512i (&differing)[P][N]) {
  __m512 y[P][N];
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m512 scale = _mm512_loadu_ps(tile.scale + 16 * n);
    const __m512 bias = _mm512_loadu_ps(tile.bias + 16 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      y[p][n] = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(dot(tile, differing[p][n])), scale), bias);
    }
  }
  run_tail<P, N>(tile.tail, tile.channels, y);
}

template <int P, int N>
inline __attribute__((always_inline)) void store_integers(const BinaryTile& tile, const __m512i (&differing)[P][N]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      _mm512_mask_storeu_epi32(static_cast<int32_t*>(tile.result[p]) + 16 * n, lane_mask(tile.channels, n),
                               dot(tile, differing[p][n]));
    }
  }
}

// P pixels x N registers of 16 channels.
template <int E, int P, int N>
inline __attribute__((always_inline)) void store_counts(const BinaryTile& tile, const __m512i (&differing)[P][N]) {
  if (E == kToBits) store_bits<P, N>(tile, differing);
  if (E == kToF32) store_floats<P, N>(tile, differing);
  if (E == kToI32) store_integers<P, N>(tile, differing);
}

}  // namespace
}  // namespace xnorkit
