// From integer sums to results, AVX2: for files that carry its flags.
#pragma once

#include <immintrin.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/tail/tail_avx2.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) __m256i load(const void* values) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(values));
}

inline __attribute__((always_inline)) uint64_t below(__m256i sum, const int32_t* threshold) {
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(load(threshold), sum))));
}

// 16 lanes from lane `first`; bits[p] gets those of the epilogue or the tail.
template <int E, int P>
inline __attribute__((always_inline)) void store_sums(const Int8Tile& tile, int first, const __m256i (&sum)[P][2],
                                                      uint64_t (&bits)[P]) {
  if (E == kToF32) {
    __m256 y[P][2];
    XNORKIT_UNROLL
    for (int n = 0; n < 2; ++n) {
      const __m256 scale = _mm256_loadu_ps(tile.scale + first + 8 * n);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) y[p][n] = _mm256_mul_ps(_mm256_cvtepi32_ps(sum[p][n]), scale);
    }
    run_tail<P, 2>(tile.tail, 0, first, tile.channels, y, bits);
    return;
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    if (E == kToBits) {
      const int32_t* threshold = tile.limit[p] + first;
      bits[p] |= (below(sum[p][0], threshold) | below(sum[p][1], threshold + 8) << 8) << first;
    } else {
      int32_t* result = static_cast<int32_t*>(tile.result[p]) + first;
      _mm256_maskstore_epi32(result, lane_mask(tile.channels - first), sum[p][0]);
      _mm256_maskstore_epi32(result + 8, lane_mask(tile.channels - first - 8), sum[p][1]);
    }
  }
}

template <int E, int P>
inline __attribute__((always_inline)) void store_bits(const Int8Tile& tile, const uint64_t (&bits)[P]) {
  if (E == kToF32) store_words<P>(tile.tail, 0, tile.channels, bits);
  for (int p = 0; E == kToBits && p < P; ++p) {
    for (int i = 0; i < tile.lanes / 32; ++i) {
      static_cast<uint32_t*>(tile.result[p])[i] = static_cast<uint32_t>(bits[p] >> (32 * i)) ^ tile.flip[p][i];
    }
  }
}

}  // namespace
}  // namespace xnorkit
