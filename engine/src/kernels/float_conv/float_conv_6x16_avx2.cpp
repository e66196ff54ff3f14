// Float convolution, up to 6 pixels x 16 channels in registers, AVX2 with FMA; a block is done 16 lanes at a time. One
// fused multiply-add per step and channel, in the order of the steps: the accumulation that the reference defines.
#include <immintrin.h>

#include "common/unroll.h"
#include "dispatch/kernels.h"

namespace xnorkit {
namespace {

template <int P>
void float_conv_16(const FloatTile& tile, int first) {
  __m256 sum[P][2];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) sum[p][0] = sum[p][1] = _mm256_setzero_ps();
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += tile.lanes) {
      const __m256 low = _mm256_loadu_ps(weight);
      const __m256 high = _mm256_loadu_ps(weight + 8);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const __m256 x = _mm256_broadcast_ss(tile.source[p] + i);
        sum[p][0] = _mm256_fmadd_ps(x, low, sum[p][0]);
        sum[p][1] = _mm256_fmadd_ps(x, high, sum[p][1]);
      }
    }
  }
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < 2; ++n) {
      const int lane = first + 8 * n;
      const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(tile.channels - lane), index);
      __m256 y = _mm256_add_ps(sum[p][n], _mm256_loadu_ps(tile.bias + lane));
      if (tile.relu) y = _mm256_max_ps(y, _mm256_setzero_ps());
      _mm256_maskstore_ps(tile.result[p] + lane, mask, y);
    }
  }
}

template <int P>
void float_conv(const FloatTile& tile) {
  for (int first = 0; first < tile.lanes; first += 16) float_conv_16<P>(tile, first);
}

}  // namespace

#define XNORKIT_PIXELS {float_conv<1>, float_conv<2>, float_conv<3>, float_conv<4>, float_conv<5>, float_conv<6>}
const FloatConvKernels float_conv_avx2 = {6, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
