// Float convolution with one filter per channel, up to 4 pixels x 16 to 64 channels in registers, AVX-512. A run is one
// tap: its values of all channels meet its weights of all channels.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_avx512.h"

namespace xnorkit {
namespace {

template <int P, int N>
void depthwise_conv(const FloatTile& tile) {
  __m512 sum[P][N];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) sum[p][n] = _mm512_setzero_ps();
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * (16 * N);
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      const __m512 w = _mm512_loadu_ps(weight + 16 * n);
      const __mmask16 mask = lane_mask(tile.channels, n);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const __m512 x = _mm512_maskz_loadu_ps(mask, tile.source[p] + run.source + 16 * n);
        sum[p][n] = _mm512_fmadd_ps(x, w, sum[p][n]);
      }
    }
  }
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m512 bias = _mm512_loadu_ps(tile.bias + 16 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) sum[p][n] = _mm512_add_ps(sum[p][n], bias);
  }
  run_tail<P, N>(tile.tail, tile.channels, sum);
}

}  // namespace

#define XNORKIT_PIXELS(N) {depthwise_conv<1, N>, depthwise_conv<2, N>, depthwise_conv<3, N>, depthwise_conv<4, N>}
const FloatConvKernels depthwise_conv_avx512 = {
    "depthwise_conv_4x64_avx512", 4, {XNORKIT_PIXELS(1), XNORKIT_PIXELS(2), XNORKIT_PIXELS(3), XNORKIT_PIXELS(4)}};

}  // namespace xnorkit
