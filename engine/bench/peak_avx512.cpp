// Register-only loops. Binary: xor, vpopcntd and add on the accumulators of the 6x64 tile, without loads. Float: fused
// multiply-adds on sixteen accumulators.
#include <immintrin.h>

#include "common/unroll.h"
#include "peak.h"

namespace xnorkit {

int64_t binary_peak_avx512(int64_t iterations) {
  constexpr int kPixels = 6;
  constexpr int kRegisters = 4;
  __m512i sum[kPixels][kRegisters];
  __m512i w[kRegisters];
  __m512i x = _mm512_set1_epi32(0x12345678);
  XNORKIT_UNROLL
  for (int n = 0; n < kRegisters; ++n) w[n] = _mm512_set1_epi32(0x01010101 << n);
  XNORKIT_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) sum[p][n] = _mm512_setzero_si512();
  }
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      asm volatile("" : "+v"(x));  // a new value to the compiler, no instruction to the processor
      XNORKIT_UNROLL
      for (int n = 0; n < kRegisters; ++n) {
        sum[p][n] = _mm512_add_epi32(sum[p][n], _mm512_popcnt_epi32(_mm512_xor_si512(x, w[n])));
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) asm volatile("" : "+v"(sum[p][n]));
  }
  return iterations * kPixels * kRegisters * 512;
}

int64_t float_peak_avx512(int64_t iterations) {
  constexpr int kAccumulators = 16;
  __m512 sum[kAccumulators];
  __m512 x = _mm512_set1_ps(0.5f);
  __m512 w = _mm512_set1_ps(1e-9f);
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) {
    sum[n] = _mm512_setzero_ps();
    asm volatile("" : "+v"(sum[n]));  // else the compiler sees that all sums are equal, and computes one
  }
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int n = 0; n < kAccumulators; ++n) sum[n] = _mm512_fmadd_ps(x, w, sum[n]);
    asm volatile("" : "+v"(x), "+v"(w));
  }
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) asm volatile("" : "+v"(sum[n]));
  return iterations * kAccumulators * 16;
}

}  // namespace xnorkit
