// Register-only loops. Binary: xor, popcount by nibbles and byte add on the accumulators of the 2x32 tile,
// without loads. Float: fused multiply-adds on twelve accumulators.
#include <immintrin.h>

#include "common/unroll.h"
#include "dispatch/kernels.h"

namespace xnorkit {

int64_t binary_peak_avx2(int64_t iterations) {
  constexpr int kAccumulators = 8;
  const __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  const __m256i w = _mm256_set1_epi32(0x01020304);
  __m256i x = _mm256_set1_epi32(0x12345678);
  __m256i sum[kAccumulators];
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) sum[n] = _mm256_setzero_si256();
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int n = 0; n < kAccumulators; ++n) {
      asm volatile("" : "+x"(x));  // a new value to the compiler, no instruction to the processor
      const __m256i bits = _mm256_xor_si256(x, w);
      const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(bits, nibble));
      const __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(bits, 4), nibble));
      sum[n] = _mm256_add_epi8(sum[n], _mm256_add_epi8(low, high));
    }
  }
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) asm volatile("" : "+x"(sum[n]));
  return iterations * kAccumulators * 256;
}

int64_t float_peak_avx2(int64_t iterations) {
  constexpr int kAccumulators = 12;
  __m256 sum[kAccumulators];
  __m256 x = _mm256_set1_ps(0.5f);
  __m256 w = _mm256_set1_ps(1e-9f);
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) {
    sum[n] = _mm256_setzero_ps();
    asm volatile("" : "+x"(sum[n]));  // else the compiler sees that all sums are equal, and computes one
  }
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int n = 0; n < kAccumulators; ++n) sum[n] = _mm256_fmadd_ps(x, w, sum[n]);
    asm volatile("" : "+x"(x), "+x"(w));
  }
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) asm volatile("" : "+x"(sum[n]));
  return iterations * kAccumulators * 8;
}

}  // namespace xnorkit
