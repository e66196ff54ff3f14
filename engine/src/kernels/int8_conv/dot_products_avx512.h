// Products of bytes by VNNI: for files that carry its flags.
#pragma once

#include <immintrin.h>

namespace xnorkit {
namespace {

// _mm512_dpbusd_epi32 in place: of the intrinsic's results GCC 12 keeps copies in memory, stored in every step, which
// halves the speed.
inline __attribute__((always_inline)) void dot_products(__m512i& sum, __m512i u, __m512i w) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(u), "v"(w));
}

}  // namespace
}  // namespace xnorkit
