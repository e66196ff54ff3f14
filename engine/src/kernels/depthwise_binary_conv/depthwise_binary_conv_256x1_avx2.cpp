// Binary convolution with one filter per channel, 256 channels at a time, AVX2.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/depthwise_kernels.h"
#include "kernels/tail/tail_avx2.h"

namespace xnorkit {
namespace {

typedef uint32_t Words __attribute__((vector_size(32)));

#include "kernels/depthwise_binary_conv/count_rows.inc"

// 8 lanes from lane `first`.
inline __attribute__((always_inline)) __m256i dots(const CountTile& tile, int first) {
  const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  __m256i dot = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tile.base + first));
  for (int32_t b = 0; b < tile.digits; ++b) {
    const uint32_t word = tile.source[b * tile.step + first / 32] >> (first % 32);
    const __m256i bits = _mm256_and_si256(_mm256_set1_epi32(static_cast<int32_t>(word)), lane);
    dot = _mm256_sub_epi32(dot, _mm256_and_si256(_mm256_cmpeq_epi32(bits, lane), _mm256_set1_epi32(2 << b)));
  }
  return dot;
}

void to_f32(const CountTile& tile) {
  uint64_t bits[1] = {};
  for (int first = 0; first < tile.lanes; first += 8) {
    const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(dots(tile, first)), _mm256_loadu_ps(tile.scale + first));
    __m256 y[1][1] = {{_mm256_add_ps(scaled, _mm256_loadu_ps(tile.bias + first))}};
    run_tail<1, 1>(tile.tail, 0, first, tile.channels, y, bits);
  }
  store_words<1>(tile.tail, 0, tile.channels, bits);
}

void to_i32(const CountTile& tile) {
  for (int first = 0; first < tile.lanes; first += 8) {
    _mm256_maskstore_epi32(tile.result + first, lane_mask(tile.channels - first), dots(tile, first));
  }
}

}  // namespace

const DepthwiseBinaryKernels depthwise_binary_conv_avx2 = {"depthwise_binary_conv_256x1_avx2", count_row<true>,
                                                           count_row<false>, to_f32, to_i32};

}  // namespace xnorkit
