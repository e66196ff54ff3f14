// Float convolution, up to 6 pixels x 16 channels in registers, AVX2 with FMA; a block is done 16 lanes at a time, 8 where
// no more are left, 64 where there is one pixel (a linear layer), so that the sums hide the latency of the fused
// multiply-add. One of these per step and channel, in the order of the steps: the accumulation that the reference defines.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_avx2.h"

namespace xnorkit {
namespace {

// N registers of 8 lanes from lane `first`; bits[p] gets those of the tail.
template <int P, int N>
inline __attribute__((always_inline)) void float_conv_lanes(const FloatTile& tile, int first, uint64_t (&bits)[P]) {
  __m256 sum[P][N];
  const float* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) sum[p][n] = _mm256_setzero_ps();
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += tile.lanes) {
      __asm__("" : "+r"(i));  // one index for all pixels: else compilers advance a pointer for each
      __m256 w[N];
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) w[n] = _mm256_loadu_ps(weight + 8 * n);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const __m256 x = _mm256_broadcast_ss(source[p] + i);
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) sum[p][n] = _mm256_fmadd_ps(x, w[n], sum[p][n]);
      }
    }
  }
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m256 bias = _mm256_loadu_ps(tile.bias + first + 8 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) sum[p][n] = _mm256_add_ps(sum[p][n], bias);
  }
  run_tail<P, N>(tile.tail, 0, first, tile.channels, sum, bits);
}

template <int P>
void float_conv(const FloatTile& tile) {
  uint64_t bits[P] = {};
  if (P == 1 && tile.lanes == kBlockLanes) {
    float_conv_lanes<P, P == 1 ? 8 : 2>(tile, 0, bits);
  } else {
    int first = 0;
    for (; first + 8 < tile.channels; first += 16) float_conv_lanes<P, 2>(tile, first, bits);
    if (first < tile.channels) float_conv_lanes<P, 1>(tile, first, bits);
  }
  store_words<P>(tile.tail, 0, tile.channels, bits);
}

}  // namespace

#define XNORKIT_PIXELS {float_conv<1>, float_conv<2>, float_conv<3>, float_conv<4>, float_conv<5>, float_conv<6>}
const FloatConvKernels float_conv_avx2 = {
    "float_conv_6x16_avx2", 6, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
