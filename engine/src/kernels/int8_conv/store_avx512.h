// From integer sums to results, AVX-512: for files that carry its flags.
#pragma once

#include <immintrin.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/tail/tail_avx512.h"

namespace xnorkit {
namespace {

template <int P, int N>
inline __attribute__((always_inline)) void store_bits(const Int8Tile& tile, const __m512i (&sum)[P][N]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      const __mmask16 below = _mm512_cmplt_epi32_mask(sum[p][n], _mm512_loadu_si512(tile.limit[p] + 16 * n));
      const uint32_t flip = tile.flip[p][n / 2] >> (16 * (n % 2));
      static_cast<uint16_t*>(tile.result[p])[n] = static_cast<uint16_t>(below ^ flip);
    }
  }
}

template <int P, int N>
inline __attribute__((always_inline)) void store_floats(const Int8Tile& tile, const __m512i (&sum)[P][N]) {
  __m512 y[P][N];
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m512 scale = _mm512_loadu_ps(tile.scale + 16 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) y[p][n] = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[p][n]), scale);
  }
  run_tail<P, N>(tile.tail, tile.channels, y);
}

template <int P, int N>
inline __attribute__((always_inline)) void store_integers(const Int8Tile& tile, const __m512i (&sum)[P][N]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      _mm512_mask_storeu_epi32(static_cast<int32_t*>(tile.result[p]) + 16 * n, lane_mask(tile.channels, n), sum[p][n]);
    }
  }
}

// P pixels x N registers of 16 channels.
template <int E, int P, int N>
inline __attribute__((always_inline)) void store_sums(const Int8Tile& tile, const __m512i (&sum)[P][N]) {
  if (E == kToBits) store_bits<P, N>(tile, sum);
  if (E == kToF32) store_floats<P, N>(tile, sum);
  if (E == kToI32) store_integers<P, N>(tile, sum);
}

}  // namespace
}  // namespace xnorkit
