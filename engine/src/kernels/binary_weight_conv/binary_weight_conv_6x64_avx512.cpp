// Floats with binary weights, up to 6 pixels x 16 to 64 channels in registers, AVX-512. A step's 16 bits become a
// register of +1 and -1 once for all pixels; fma(x, +-1, sum) rounds sum +- x once, as an addition or subtraction does.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/tail/tail_avx512.h"

namespace xnorkit {
namespace {

template <int P, int N>
void binary_weight_conv(const BinaryWeightTile& tile) {
  const __m512 plus = _mm512_set1_ps(1.0f);
  const __m512 minus = _mm512_set1_ps(-1.0f);
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
    const uint16_t* weight = tile.weight + static_cast<int64_t>(run.weight) * N;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += N) {
      __m512 w[N];
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) w[n] = _mm512_mask_blend_ps(weight[n], plus, minus);
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
    const __m512 scale = _mm512_loadu_ps(tile.scale + 16 * n);
    const __m512 bias = _mm512_loadu_ps(tile.bias + 16 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) sum[p][n] = _mm512_add_ps(_mm512_mul_ps(sum[p][n], scale), bias);
  }
  run_tail<P, N>(tile.tail, tile.channels, sum);
}

}  // namespace

#define XNORKIT_PIXELS(N)                                                        \
  {binary_weight_conv<1, N>, binary_weight_conv<2, N>, binary_weight_conv<3, N>, \
   binary_weight_conv<4, N>, binary_weight_conv<5, N>, binary_weight_conv<6, N>}
const BinaryWeightConvKernels binary_weight_conv_avx512 = {
    "binary_weight_conv_6x64_avx512", 6, {XNORKIT_PIXELS(1), XNORKIT_PIXELS(2), XNORKIT_PIXELS(3), XNORKIT_PIXELS(4)}};

}  // namespace xnorkit
