// From counts of differing bits to results, AVX2: for files that carry its flags.
#pragma once

#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_avx2.h"

namespace xnorkit {
namespace {

// Pixel p, 32 lanes from lane `first` of the block: one word of bits, or 32 channels.
template <int E>
inline __attribute__((always_inline)) void store_counts(const BinaryTile& tile, int p, int first,
                                                        const __m256i (&differing)[4]) {
  const __m256i k = _mm256_set1_epi32(tile.valid_k);
  uint32_t word = 0;
  __m256 y[4];
  XNORKIT_UNROLL
  for (int n = 0; n < 4; ++n) {
    const int lane = first + 8 * n;
    const __m256i dot = _mm256_sub_epi32(k, _mm256_slli_epi32(differing[n], 1));
    if (E == kToBits) {
      const __m256i limit = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tile.limit[p] + lane));
      const int above = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(differing[n], limit)));
      word |= static_cast<uint32_t>(above) << (8 * n);
    } else if (E == kToF32) {
      const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(dot), _mm256_loadu_ps(tile.scale + lane));
      y[n] = _mm256_add_ps(scaled, _mm256_loadu_ps(tile.bias + lane));
    } else {
      _mm256_maskstore_epi32(static_cast<int*>(tile.result[p]) + lane, lane_mask(tile.channels - lane), dot);
    }
  }
  if (E == kToBits) static_cast<uint32_t*>(tile.result[p])[first / 32] = word ^ tile.flip[p][first / 32];
  if (E == kToF32) {
    const uint32_t bits = run_tail<4>(tile.tail, p, first, tile.channels, y);
    if (tile.tail.bits != nullptr) tile.tail.bits[p][first / 32] = bits ^ tile.tail.flip[first / 32];
  }
}

}  // namespace
}  // namespace xnorkit
