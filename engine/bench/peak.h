// The register-only loops that kernels are compared with.
#pragma once

#include <cstdint>

namespace xnorkit {

// Runs a loop and returns how many multiply-adds it did.
using PeakLoop = int64_t (*)(int64_t iterations);

int64_t binary_peak_reference(int64_t iterations);
int64_t float_peak_reference(int64_t iterations);
int64_t binary_peak_portable(int64_t iterations);
int64_t float_peak_portable(int64_t iterations);
#if defined(__x86_64__)
int64_t binary_peak_avx512(int64_t iterations);
int64_t binary_peak_avx512bw(int64_t iterations);
int64_t float_peak_avx512(int64_t iterations);
int64_t binary_peak_avx2(int64_t iterations);
int64_t float_peak_avx2(int64_t iterations);
#elif defined(__aarch64__)
int64_t binary_peak_neon(int64_t iterations);
int64_t float_peak_neon(int64_t iterations);
#endif

}  // namespace xnorkit
