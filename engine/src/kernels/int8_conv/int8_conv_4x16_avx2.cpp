// 8-bit convolution, up to 4 pixels x 16 channels in registers, AVX2. vpmaddubsw would saturate: 2 * 255 * 127 > 2^15.
// So bytes are staged as 16 bits, and vpmaddwd adds two exact products.
#include "kernels/int8_conv/int8_conv_avx2.h"

namespace xnorkit {
namespace {

struct Wide {
  static inline __attribute__((always_inline)) void add(__m256i& sum, __m256i u, __m256i w) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(u, w));
  }
};

}  // namespace

#define XNORKIT_PIXELS(E) {int8_conv<Wide, E, 1>, int8_conv<Wide, E, 2>, int8_conv<Wide, E, 3>, int8_conv<Wide, E, 4>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E)}
const Int8ConvKernels int8_conv_avx2 = {
    "int8_conv_4x16_avx2", 4, kPairs, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
