// Pack, one word by two masked comparisons, AVX-512. Lanes without a channel compare as false and are not read.
#include <immintrin.h>

#include "contract/kernels.h"

namespace xnorkit {

void pack_avx512(const PackRow& row) {
  const int64_t words = (row.channels + 31) / 32;
  for (int64_t i = 0; i < row.pixels; ++i) {
    const float* x = row.source + i * row.channels;
    const float* threshold = row.threshold + i * row.threshold_step;
    for (int64_t word = 0; word < words; ++word) {
      const int64_t left = row.channels - word * 32;
      const uint32_t valid = left >= 32 ? 0xffffffffu : (1u << left) - 1;
      const auto low_valid = static_cast<__mmask16>(valid);
      const auto high_valid = static_cast<__mmask16>(valid >> 16);
      const __m512 low = _mm512_maskz_loadu_ps(low_valid, x + word * 32);
      const __m512 high = _mm512_maskz_loadu_ps(high_valid, x + word * 32 + 16);
      const __m512 low_threshold = _mm512_maskz_loadu_ps(low_valid, threshold + word * 32);
      const __m512 high_threshold = _mm512_maskz_loadu_ps(high_valid, threshold + word * 32 + 16);
      const uint32_t below = _mm512_cmp_ps_mask(low, low_threshold, _CMP_LT_OQ) |
                             static_cast<uint32_t>(_mm512_cmp_ps_mask(high, high_threshold, _CMP_LT_OQ)) << 16;
      row.result[i * words + word] = below ^ row.flip[i * row.flip_step + word];
    }
  }
}

}  // namespace xnorkit
