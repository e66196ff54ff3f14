// Register-only loops. Binary: what the look-up kernels do with three nibbles of two pixels (kernels/binary_conv/lookup.h),
// on four pairs of accumulators, without loads. Float: fused multiply-adds on twelve accumulators.
#include <immintrin.h>

#include "common/unroll.h"
#include "peak.h"

namespace xnorkit {

int64_t binary_peak_avx2(int64_t iterations) {
  constexpr int kAccumulators = 4;
  const __m256i w = _mm256_set1_epi8(3);
  const __m256i half = _mm256_set1_epi8(15);
  __m256i table = _mm256_set1_epi32(0x01020304);
  __m256i counts[kAccumulators];
  __m256i rests[kAccumulators];
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) counts[n] = rests[n] = _mm256_setzero_si256();
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int n = 0; n < kAccumulators; ++n) {
      __m256i sum = _mm256_shuffle_epi8(table, w);
      XNORKIT_UNROLL
      for (int nibble = 1; nibble < 3; ++nibble) {
        asm volatile("" : "+x"(table));  // a new value to the compiler, no instruction to the processor
        sum = _mm256_add_epi8(sum, _mm256_shuffle_epi8(table, w));
      }
      counts[n] = _mm256_add_epi8(counts[n], _mm256_and_si256(sum, half));
      rests[n] = _mm256_add_epi16(rests[n], _mm256_srli_epi16(sum, 4));
      asm volatile("" : "+x"(table), "+x"(counts[n]), "+x"(rests[n]));
    }
  }
  return iterations * kAccumulators * 768;
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
