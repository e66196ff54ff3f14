// Float convolution with one filter per channel, up to 4 pixels x 16 channels in registers, AVX2 with FMA. A run is one
// tap: its values of all channels meet its weights of all channels.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_avx2.h"

namespace xnorkit {
namespace {

template <int P>
inline __attribute__((always_inline)) void depthwise_conv_16(const FloatTile& tile, int first, uint64_t (&bits)[P]) {
  const __m256i low_mask = lane_mask(tile.channels - first);
  const __m256i high_mask = lane_mask(tile.channels - first - 8);
  __m256 sum[P][2];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) sum[p][0] = sum[p][1] = _mm256_setzero_ps();
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const __m256 low = _mm256_loadu_ps(weight);
    const __m256 high = _mm256_loadu_ps(weight + 8);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      const float* x = tile.source[p] + run.source + first;
      sum[p][0] = _mm256_fmadd_ps(_mm256_maskload_ps(x, low_mask), low, sum[p][0]);
      sum[p][1] = _mm256_fmadd_ps(_mm256_maskload_ps(x + 8, high_mask), high, sum[p][1]);
    }
  }
  const __m256 low_bias = _mm256_loadu_ps(tile.bias + first);
  const __m256 high_bias = _mm256_loadu_ps(tile.bias + first + 8);
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    sum[p][0] = _mm256_add_ps(sum[p][0], low_bias);
    sum[p][1] = _mm256_add_ps(sum[p][1], high_bias);
  }
  run_tail<P, 2>(tile.tail, 0, first, tile.channels, sum, bits);
}

template <int P>
void depthwise_conv(const FloatTile& tile) {
  uint64_t bits[P] = {};
  for (int first = 0; first < tile.lanes; first += 16) depthwise_conv_16<P>(tile, first, bits);
  store_words<P>(tile.tail, 0, tile.channels, bits);
}

}  // namespace

#define XNORKIT_PIXELS {depthwise_conv<1>, depthwise_conv<2>, depthwise_conv<3>, depthwise_conv<4>}
const FloatConvKernels depthwise_conv_avx2 = {
    "depthwise_conv_4x16_avx2", 4, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
