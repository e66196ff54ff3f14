// From counts of differing bits to results, AVX2: for files that carry its flags.
#pragma once

#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_avx2.h"

namespace xnorkit {
namespace {

// P pixels from pixel `pixel`, 32 lanes from lane `first` of the block: bits or integers. `differing(p, n)` counts 8 lanes.
template <int E, int P, class Differing>
inline __attribute__((always_inline)) void store_integers(const BinaryTile& tile, int pixel, int first,
                                                          const Differing& differing) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    uint32_t word = 0;
    XNORKIT_UNROLL
    for (int n = 0; n < 4; ++n) {
      const int lane = first + 8 * n;
      const __m256i count = differing(p, n);
      if (E == kToBits) {
        const __m256i limit = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tile.limit[pixel + p] + lane));
        const int above = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(count, limit)));
        word |= static_cast<uint32_t>(above) << (8 * n);
      } else {
        const __m256i dot = _mm256_sub_epi32(_mm256_set1_epi32(tile.valid_k), _mm256_slli_epi32(count, 1));
        auto* result = static_cast<int*>(tile.result[pixel + p]) + lane;
        _mm256_maskstore_epi32(result, lane_mask(tile.channels - lane), dot);
      }
    }
    if (E == kToBits) {
      static_cast<uint32_t*>(tile.result[pixel + p])[first / 32] = word ^ tile.flip[pixel + p][first / 32];
    }
  }
}

// The same to floats; bits[p] gets those of the tail.
template <int P, class Differing>
inline __attribute__((always_inline)) void store_floats(const BinaryTile& tile, int pixel, int first,
                                                        const Differing& differing, uint64_t (&bits)[P]) {
  const __m256i k = _mm256_set1_epi32(tile.valid_k);
  __m256 y[P][4];
  XNORKIT_UNROLL
  for (int n = 0; n < 4; ++n) {
    const __m256 scale = _mm256_loadu_ps(tile.scale + first + 8 * n);
    const __m256 bias = _mm256_loadu_ps(tile.bias + first + 8 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      const __m256i dot = _mm256_sub_epi32(k, _mm256_slli_epi32(differing(p, n), 1));
      y[p][n] = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(dot), scale), bias);
    }
  }
  run_tail<P, 4>(tile.tail, pixel, first, tile.channels, y, bits);
}

// Either; after the last lanes of the pixels, store_words stores the bits.
template <int E, int P, class Differing>
inline __attribute__((always_inline)) void store_counts(const BinaryTile& tile, int pixel, int first,
                                                        const Differing& differing, uint64_t (&bits)[P]) {
  if constexpr (E == kToF32) {
    store_floats<P>(tile, pixel, first, differing, bits);
  } else {
    store_integers<E, P>(tile, pixel, first, differing);
  }
}

}  // namespace
}  // namespace xnorkit
