// 8-bit convolution, up to 4 pixels x 16 channels in registers, AVX2; a block is done 16 lanes at a time. vpmaddubsw
// would saturate: 2 * 255 * 127 > 2^15. So bytes are staged as 16 bits, and vpmaddwd adds two exact products.
#include <immintrin.h>

#include <cstring>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/int8_conv/store_avx2.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) __m256i broadcast(const uint8_t* bytes) {
  int32_t step;
  std::memcpy(&step, bytes, sizeof step);
  return _mm256_set1_epi32(step);
}

template <int E, int P>
inline __attribute__((always_inline)) void int8_conv_16(const Int8Tile& tile, int first, uint32_t (&words)[P][2]) {
  const uint8_t* source[P];
  __m256i sum[P][2];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    sum[p][0] = load(tile.start + first);
    sum[p][1] = load(tile.start + first + 8);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const int64_t end = run.source + int64_t{4} * run.length;
    for (int64_t i = run.source; i < end; i += 4, weight += tile.lanes) {
      const __m256i low = load(weight);
      const __m256i high = load(weight + 8);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const __m256i u = broadcast(source[p] + i);
        sum[p][0] = _mm256_add_epi32(sum[p][0], _mm256_madd_epi16(u, low));
        sum[p][1] = _mm256_add_epi32(sum[p][1], _mm256_madd_epi16(u, high));
      }
    }
  }
  store_sums<E, P>(tile, first, sum, words);
}

template <int E, int P>
void int8_conv(const Int8Tile& tile) {
  uint32_t words[P][2] = {};
  for (int first = 0; first < tile.lanes; first += 16) int8_conv_16<E, P>(tile, first, words);
  store_sum_words<E, P>(tile, words);
}

}  // namespace

#define XNORKIT_PIXELS(E) {int8_conv<E, 1>, int8_conv<E, 2>, int8_conv<E, 3>, int8_conv<E, 4>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E)}
const Int8ConvKernels int8_conv_avx2 = {
    "int8_conv_4x16_avx2", 4, kPairs, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
