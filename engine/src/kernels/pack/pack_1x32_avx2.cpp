// Pack, one word by four masked comparisons, AVX2. Lanes without a channel compare 0 < 0 and are not read.
#include <immintrin.h>

#include "contract/kernels.h"

namespace xnorkit {

void pack_avx2(const PackRow& row) {
  const int64_t words = (row.channels + 31) / 32;
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (int64_t i = 0; i < row.pixels; ++i) {
    const float* x = row.source + i * row.channels;
    const float* threshold = row.threshold + i * row.threshold_step;
    for (int64_t word = 0; word < words; ++word) {
      uint32_t below = 0;
      for (int64_t c = word * 32; c < row.channels && c < word * 32 + 32; c += 8) {
        const __m256i valid = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int32_t>(row.channels - c)), index);
        const __m256 less =
            _mm256_cmp_ps(_mm256_maskload_ps(x + c, valid), _mm256_maskload_ps(threshold + c, valid), _CMP_LT_OQ);
        below |= static_cast<uint32_t>(_mm256_movemask_ps(less)) << (c % 32);
      }
      row.result[i * words + word] = below ^ row.flip[i * row.flip_step + word];
    }
  }
}

}  // namespace xnorkit
