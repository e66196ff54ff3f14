// A register-only loop: what the look-up kernel does with three nibbles of two pixels, as in peak_avx2.cpp.
#include <immintrin.h>

#include "common/unroll.h"
#include "peak.h"

namespace xnorkit {

int64_t binary_peak_avx512bw(int64_t iterations) {
  constexpr int kAccumulators = 4;
  const __m512i w = _mm512_set1_epi8(3);
  const __m512i half = _mm512_set1_epi8(15);
  __m512i table = _mm512_set1_epi32(0x01020304);
  __m512i counts[kAccumulators];
  __m512i rests[kAccumulators];
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) counts[n] = rests[n] = _mm512_setzero_si512();
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int n = 0; n < kAccumulators; ++n) {
      __m512i sum = _mm512_shuffle_epi8(table, w);
      XNORKIT_UNROLL
      for (int nibble = 1; nibble < 3; ++nibble) {
        asm volatile("" : "+v"(table));  // a new value to the compiler, no instruction to the processor
        sum = _mm512_add_epi8(sum, _mm512_shuffle_epi8(table, w));
      }
      counts[n] = _mm512_add_epi8(counts[n], _mm512_and_si512(sum, half));
      rests[n] = _mm512_add_epi16(rests[n], _mm512_srli_epi16(sum, 4));
      asm volatile("" : "+v"(table), "+v"(counts[n]), "+v"(rests[n]));
    }
  }
  return iterations * kAccumulators * 1536;
}

}  // namespace xnorkit
