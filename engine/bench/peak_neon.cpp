// Register-only loops. Binary: xor, cnt and byte add on the accumulators of the 4x16 tile, without loads. Float: fused
// multiply-adds on sixteen accumulators.
#include <arm_neon.h>

#include "common/unroll.h"
#include "peak.h"

namespace xnorkit {

int64_t binary_peak_neon(int64_t iterations) {
  constexpr int kAccumulators = 16;
  const uint8x16_t w = vdupq_n_u8(0x5a);
  uint8x16_t x = vdupq_n_u8(0x12);
  uint8x16_t sum[kAccumulators];
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) sum[n] = vdupq_n_u8(0);
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int n = 0; n < kAccumulators; ++n) {
      asm volatile("" : "+w"(x));  // a new value to the compiler, no instruction to the processor
      sum[n] = vaddq_u8(sum[n], vcntq_u8(veorq_u8(x, w)));
    }
  }
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) asm volatile("" : "+w"(sum[n]));
  return iterations * kAccumulators * 128;
}

int64_t float_peak_neon(int64_t iterations) {
  constexpr int kAccumulators = 16;
  float32x4_t sum[kAccumulators];
  float32x4_t x = vdupq_n_f32(0.5f);
  float32x4_t w = vdupq_n_f32(1e-9f);
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) sum[n] = vdupq_n_f32(static_cast<float>(n));
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int n = 0; n < kAccumulators; ++n) sum[n] = vfmaq_f32(sum[n], x, w);
    asm volatile("" : "+w"(x), "+w"(w));
  }
  XNORKIT_UNROLL
  for (int n = 0; n < kAccumulators; ++n) asm volatile("" : "+w"(sum[n]));
  return iterations * kAccumulators * 4;
}

}  // namespace xnorkit
