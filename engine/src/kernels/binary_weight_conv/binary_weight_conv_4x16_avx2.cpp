// Floats with binary weights, up to 4 pixels x 16 channels in registers, AVX2 with FMA; a block is done 16 lanes at a
// time, 64 where there is one pixel. A lane's bit is shifted to the sign of 1.0, once for all pixels; fma(x, +-1, sum)
// rounds sum +- x once, as an addition or subtraction does.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/tail/tail_avx2.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) __m256 signed_one(__m256i bits, __m256i to_sign) {
  const __m256 shifted = _mm256_castsi256_ps(_mm256_sllv_epi32(bits, to_sign));
  return _mm256_or_ps(_mm256_and_ps(shifted, _mm256_set1_ps(-0.0f)), _mm256_set1_ps(1.0f));
}

// H halves of 16 lanes from lane `first`; result[p] gets the bits of the tail.
template <int P, int H>
inline __attribute__((always_inline)) void binary_weight_lanes(const BinaryWeightTile& tile, int first,
                                                               uint64_t (&result)[P]) {
  const __m256i low_to_sign = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
  const __m256i high_to_sign = _mm256_setr_epi32(23, 22, 21, 20, 19, 18, 17, 16);
  const int halves = tile.lanes / 16;
  __m256 sum[P][2 * H];
  const float* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < 2 * H; ++n) sum[p][n] = _mm256_setzero_ps();
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint16_t* weight = tile.weight + static_cast<int64_t>(run.weight) * halves + first / 16;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += halves) {
      XNORKIT_UNROLL
      for (int half = 0; half < H; ++half) {
        const __m256i bits = _mm256_set1_epi32(weight[half]);
        const __m256 low = signed_one(bits, low_to_sign);
        const __m256 high = signed_one(bits, high_to_sign);
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) {
          const __m256 x = _mm256_broadcast_ss(source[p] + i);
          sum[p][2 * half] = _mm256_fmadd_ps(x, low, sum[p][2 * half]);
          sum[p][2 * half + 1] = _mm256_fmadd_ps(x, high, sum[p][2 * half + 1]);
        }
      }
    }
  }
  XNORKIT_UNROLL
  for (int n = 0; n < 2 * H; ++n) {
    const __m256 scale = _mm256_loadu_ps(tile.scale + first + 8 * n);
    const __m256 bias = _mm256_loadu_ps(tile.bias + first + 8 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) sum[p][n] = _mm256_add_ps(_mm256_mul_ps(sum[p][n], scale), bias);
  }
  run_tail<P, 2 * H>(tile.tail, 0, first, tile.channels, sum, result);
}

template <int P>
void binary_weight_conv(const BinaryWeightTile& tile) {
  uint64_t bits[P] = {};
  if (P == 1 && tile.lanes == kBlockLanes) {
    binary_weight_lanes<P, P == 1 ? 4 : 1>(tile, 0, bits);
  } else {
    for (int first = 0; first < tile.lanes; first += 16) binary_weight_lanes<P, 1>(tile, first, bits);
  }
  store_words<P>(tile.tail, 0, tile.channels, bits);
}

}  // namespace

#define XNORKIT_PIXELS {binary_weight_conv<1>, binary_weight_conv<2>, binary_weight_conv<3>, binary_weight_conv<4>}
const BinaryWeightConvKernels binary_weight_conv_avx2 = {
    "binary_weight_conv_4x16_avx2", 4, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
