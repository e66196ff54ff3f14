// Register-only loops: the instructions of the portable and the reference kernel without their loads.
#include <cmath>

#include "common/fma.h"
#include "common/unroll.h"
#include "peak.h"

namespace xnorkit {
namespace {

inline uint64_t popcount(uint64_t v) {
#if defined(__POPCNT__) || defined(__aarch64__)
  return static_cast<uint64_t>(__builtin_popcountll(v));
#else
  v = v - ((v >> 1) & 0x5555555555555555u);
  v = (v & 0x3333333333333333u) + ((v >> 2) & 0x3333333333333333u);
  v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return (v * 0x0101010101010101u) >> 56;
#endif
}

}  // namespace

int64_t binary_peak_portable(int64_t iterations) {
  uint64_t sum[4] = {};
  uint64_t x = 0x0123456789abcdefu;
  uint64_t w = 0xfedcba9876543210u;
  for (int64_t i = 0; i < iterations; ++i) {
    XNORKIT_UNROLL
    for (int p = 0; p < 4; ++p) {
      asm volatile("" : "+r"(x));
      sum[p] += popcount(x ^ w);
    }
    asm volatile("" : "+r"(w));
  }
  for (int p = 0; p < 4; ++p) asm volatile("" : "+r"(sum[p]));
  return iterations * 4 * 64;
}

int64_t binary_peak_reference(int64_t iterations) {
  int32_t sum = 0;
  uint32_t x = 0x89abcdefu;
  uint32_t w = 0x76543210u;
  for (int64_t i = 0; i < iterations; ++i) {
    for (int c = 0; c < 32; ++c) {
      asm volatile("" : "+r"(x), "+r"(w));
      sum += ((x >> c) & 1u ? -1 : 1) * ((w >> c) & 1u ? -1 : 1);
    }
  }
  asm volatile("" : "+r"(sum));
  return iterations * 32;
}

// A library call on processors whose baseline has no fused multiply-add, as in the reference.
int64_t float_peak_reference(int64_t iterations) {
  float sum[4] = {};
  float x = 0.5f;
  float w = 1e-9f;
  for (float& s : sum) asm volatile("" : "+m"(s));  // else the compiler sees that all sums are equal
  for (int64_t i = 0; i < iterations; ++i) {
    for (float& s : sum) s = std::fma(x, w, s);
    asm volatile("" : "+m"(x), "+m"(w));
  }
  for (float& s : sum) asm volatile("" : "+m"(s));
  return iterations * 4;
}

// The compiler makes vectors of the kernel's loop over channels, with the processor's fused multiply-add where there is
// one: its limit is then that of the vectors. Elsewhere it is that of the emulation.
int64_t float_peak_portable(int64_t iterations) {
#if defined(__aarch64__)
  return float_peak_neon(iterations);
#else
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return float_peak_avx2(iterations);
#endif
  float sum[4] = {};
  float x = 0.5f;
  float w = 1e-9f;
  for (float& s : sum) asm volatile("" : "+m"(s));
  for (int64_t i = 0; i < iterations; ++i) {
    for (float& s : sum) s = fused_multiply_add(x, w, s);
    asm volatile("" : "+m"(x), "+m"(w));
  }
  for (float& s : sum) asm volatile("" : "+m"(s));
  return iterations * 4;
#endif
}

}  // namespace xnorkit
