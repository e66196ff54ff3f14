// A register-only loop: byte shuffle and byte add on the accumulators of the look-up tile, without loads.
#include <immintrin.h>

#include "common/unroll.h"
#include "peak.h"

namespace xnorkit {

int64_t binary_peak_avx512bw(int64_t iterations) {
  constexpr int kAccumulators = 12;
  const __m512i w = _mm512_set1_epi8(3);
  __m512i table = _mm512_set1_epi32(0x01020304);
  __m512i sum[kAccumulators];
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) sum[n] = _mm512_setzero_si512();
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int n = 0; n < kAccumulators; ++n) {
      asm volatile("" : "+v"(table));  // a new value to the compiler, no instruction to the processor
      sum[n] = _mm512_add_epi8(sum[n], _mm512_shuffle_epi8(table, w));
    }
  }
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) asm volatile("" : "+v"(sum[n]));
  return iterations * kAccumulators * 256;
}

}  // namespace xnorkit
