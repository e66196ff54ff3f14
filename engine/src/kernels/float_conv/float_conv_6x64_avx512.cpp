// Float convolution, up to 6 pixels x 16 to 64 channels in registers, AVX-512. One fused multiply-add per step and
// channel, in the order of the steps: the accumulation that the reference defines.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_avx512.h"

namespace xnorkit {
namespace {

template <int P, int N>
void float_conv(const FloatTile& tile) {
  __m512 sum[P][N];
  const float* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) sum[p][n] = _mm512_setzero_ps();
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * (16 * N);
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += 16 * N) {
      __m512 w[N];
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) w[n] = _mm512_loadu_ps(weight + 16 * n);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const __m512 x = _mm512_set1_ps(source[p][i]);
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) sum[p][n] = _mm512_fmadd_ps(x, w[n], sum[p][n]);
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

#define XNORKIT_PIXELS(N) \
  {float_conv<1, N>, float_conv<2, N>, float_conv<3, N>, float_conv<4, N>, float_conv<5, N>, float_conv<6, N>}
const FloatConvKernels float_conv_avx512 = {
    "float_conv_6x64_avx512", 6, {XNORKIT_PIXELS(1), XNORKIT_PIXELS(2), XNORKIT_PIXELS(3), XNORKIT_PIXELS(4)}};

}  // namespace xnorkit
