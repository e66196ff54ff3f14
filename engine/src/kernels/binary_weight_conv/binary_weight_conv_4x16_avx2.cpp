// Floats with binary weights, up to 4 pixels x 16 channels in registers, AVX2 with FMA; a block is done 16 lanes at a
// time. A lane's bit is shifted to the sign of 1.0, once for all pixels; fma(x, +-1, sum) rounds sum +- x once.
#include <immintrin.h>

#include "common/unroll.h"
#include "dispatch/end_kernels.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) __m256 signed_one(__m256i bits, __m256i to_sign) {
  const __m256 shifted = _mm256_castsi256_ps(_mm256_sllv_epi32(bits, to_sign));
  return _mm256_or_ps(_mm256_and_ps(shifted, _mm256_set1_ps(-0.0f)), _mm256_set1_ps(1.0f));
}

template <int P>
void binary_weight_conv_16(const BinaryWeightTile& tile, int first) {
  const __m256i low_to_sign = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
  const __m256i high_to_sign = _mm256_setr_epi32(23, 22, 21, 20, 19, 18, 17, 16);
  const int halves = tile.lanes / 16;
  __m256 sum[P][2];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) sum[p][0] = sum[p][1] = _mm256_setzero_ps();
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint16_t* weight = tile.weight + static_cast<int64_t>(run.weight) * halves + first / 16;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += halves) {
      const __m256i bits = _mm256_set1_epi32(*weight);
      const __m256 low = signed_one(bits, low_to_sign);
      const __m256 high = signed_one(bits, high_to_sign);
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
      const __m256 scaled = _mm256_mul_ps(sum[p][n], _mm256_loadu_ps(tile.scale + lane));
      const __m256 y = _mm256_add_ps(scaled, _mm256_loadu_ps(tile.bias + lane));
      _mm256_maskstore_ps(tile.result[p] + lane, mask, y);
    }
  }
}

template <int P>
void binary_weight_conv(const BinaryWeightTile& tile) {
  for (int first = 0; first < tile.lanes; first += 16) binary_weight_conv_16<P>(tile, first);
}

}  // namespace

#define XNORKIT_PIXELS {binary_weight_conv<1>, binary_weight_conv<2>, binary_weight_conv<3>, binary_weight_conv<4>}
const BinaryWeightConvKernels binary_weight_conv_avx2 = {
    4, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
