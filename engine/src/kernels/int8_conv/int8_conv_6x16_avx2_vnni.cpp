// 8-bit convolution, up to 6 pixels x 16 channels in registers, AVX2 with AVX-VNNI: vpdpbusd adds the products of 4
// values (unsigned) and 4 weights (signed) to a 32-bit lane, without saturation. 12 sums, 2 registers of weights and 1 of
// values.
#include "kernels/int8_conv/int8_conv_avx2.h"

namespace xnorkit {
namespace {

struct Dot {
  // _mm256_dpbusd_avx_epi32 in place, since GCC keeps copies of its results (dot_products_avx512.h); {vex}, because the
  // form that assemblers take by default belongs to AVX-512.
  static inline __attribute__((always_inline)) void add(__m256i& sum, __m256i u, __m256i w) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(u), "x"(w));
  }
};

}  // namespace

#define XNORKIT_PIXELS(E)                                            \
  {int8_conv<Dot, E, 1>, int8_conv<Dot, E, 2>, int8_conv<Dot, E, 3>, \
   int8_conv<Dot, E, 4>, int8_conv<Dot, E, 5>, int8_conv<Dot, E, 6>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E)}
const Int8ConvKernels int8_conv_avx2_vnni = {"int8_conv_6x16_avx2_vnni",
                                             6,
                                             kUnsignedBytes,
                                             {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
