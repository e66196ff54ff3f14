// 8-bit convolution with one filter per channel, up to 4 pixels x 16 to 64 channels in registers, AVX-512 with VNNI. A
// run is one tap: its bytes become lanes of 32 bits, whose dot product with weights of one byte is a single product.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/int8_conv/dot_products_avx512.h"
#include "kernels/int8_conv/store_avx512.h"

namespace xnorkit {
namespace {

template <int E, int P, int N>
void depthwise_int8_conv(const Int8Tile& tile) {
  const uint8_t* source[P];
  __m512i sum[P][N];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) sum[p][n] = _mm512_loadu_si512(tile.start + 16 * n);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const int64_t at = tile.runs[r].source;
    const uint32_t* weight = tile.weight + static_cast<int64_t>(tile.runs[r].weight) * (16 * N);
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      const __m512i w = _mm512_loadu_si512(weight + 16 * n);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const auto* bytes = reinterpret_cast<const __m128i*>(source[p] + at + 16 * n);
        dot_products(sum[p][n], _mm512_cvtepu8_epi32(_mm_loadu_si128(bytes)), w);
      }
    }
  }
  store_sums<E, P, N>(tile, sum);
}

}  // namespace

#define XNORKIT_PIXELS(E, N)                                                                 \
  {depthwise_int8_conv<E, 1, N>, depthwise_int8_conv<E, 2, N>, depthwise_int8_conv<E, 3, N>, \
   depthwise_int8_conv<E, 4, N>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E, 1), XNORKIT_PIXELS(E, 2), XNORKIT_PIXELS(E, 3), XNORKIT_PIXELS(E, 4)}
const Int8ConvKernels depthwise_int8_conv_avx512 = {
    "depthwise_int8_conv_4x64_avx512",
    4,
    kUnsignedBytes,
    {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
