// 8-bit convolution with one filter per channel, up to 4 pixels x 16 channels in registers, AVX2. A run is one tap: its
// bytes become lanes of 32 bits; of such a lane's two halves the upper one is 0, so vpmaddwd is a single exact product.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/int8_conv/store_avx2.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) __m256i widen(const uint8_t* bytes) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
}

template <int E, int P>
void depthwise_int8_conv(const Int8Tile& tile) {
  uint64_t bits[P] = {};
  for (int first = 0; first < tile.lanes; first += 16) {
    __m256i sum[P][2];
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      sum[p][0] = load(tile.start + first);
      sum[p][1] = load(tile.start + first + 8);
    }
    for (int32_t r = 0; r < tile.run_count; ++r) {
      const int64_t at = int64_t{tile.runs[r].source} + first;
      const uint32_t* weight = tile.weight + static_cast<int64_t>(tile.runs[r].weight) * tile.lanes + first;
      const __m256i low = load(weight);
      const __m256i high = load(weight + 8);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const uint8_t* bytes = tile.source[p] + at;
        sum[p][0] = _mm256_add_epi32(sum[p][0], _mm256_madd_epi16(widen(bytes), low));
        sum[p][1] = _mm256_add_epi32(sum[p][1], _mm256_madd_epi16(widen(bytes + 8), high));
      }
    }
    store_sums<E, P>(tile, first, sum, bits);
  }
  store_bits<E, P>(tile, bits);
}

}  // namespace

#define XNORKIT_PIXELS(E) \
  {depthwise_int8_conv<E, 1>, depthwise_int8_conv<E, 2>, depthwise_int8_conv<E, 3>, depthwise_int8_conv<E, 4>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E)}
const Int8ConvKernels depthwise_int8_conv_avx2 = {
    "depthwise_int8_conv_4x16_avx2",
    4,
    kUnsignedBytes,
    {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
