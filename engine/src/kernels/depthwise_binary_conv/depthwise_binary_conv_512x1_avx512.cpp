// Binary convolution with one filter per channel, 512 channels at a time, AVX-512: a full adder is two instructions.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/depthwise_kernels.h"
#include "kernels/tail/tail_avx512.h"

#define XNORKIT_FULL_ADDER

namespace xnorkit {
namespace {

typedef uint32_t Words __attribute__((vector_size(64)));

inline __attribute__((always_inline)) Words sum_bit(Words a, Words b, Words c) {
  return (Words)_mm512_ternarylogic_epi32((__m512i)a, (__m512i)b, (__m512i)c, 0x96);
}

inline __attribute__((always_inline)) Words carry_bit(Words a, Words b, Words c) {
  return (Words)_mm512_ternarylogic_epi32((__m512i)a, (__m512i)b, (__m512i)c, 0xe8);
}

#include "kernels/depthwise_binary_conv/count_rows.inc"

// N registers of 16 lanes.
template <int N>
inline __attribute__((always_inline)) void dots(const CountTile& tile, __m512i (&dot)[1][N]) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) dot[0][n] = _mm512_loadu_si512(tile.base + 16 * n);
  for (int32_t b = 0; b < tile.digits; ++b) {
    const uint32_t* words = tile.source + b * tile.step;
    const __m512i twice = _mm512_set1_epi32(2 << b);
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      const auto mask = static_cast<__mmask16>(words[n / 2] >> (16 * (n % 2)));
      dot[0][n] = _mm512_mask_sub_epi32(dot[0][n], mask, dot[0][n], twice);
    }
  }
}

template <int N>
inline __attribute__((always_inline)) void floats(const CountTile& tile) {
  __m512i dot[1][N];
  dots<N>(tile, dot);
  __m512 y[1][N];
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(dot[0][n]), _mm512_loadu_ps(tile.scale + 16 * n));
    y[0][n] = _mm512_add_ps(scaled, _mm512_loadu_ps(tile.bias + 16 * n));
  }
  run_tail<1, N>(tile.tail, tile.channels, y);
}

template <int N>
inline __attribute__((always_inline)) void integers(const CountTile& tile) {
  __m512i dot[1][N];
  dots<N>(tile, dot);
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) _mm512_mask_storeu_epi32(tile.result + 16 * n, lane_mask(tile.channels, n), dot[0][n]);
}

void to_f32(const CountTile& tile) {
  switch (tile.lanes) {
    case 16: return floats<1>(tile);
    case 32: return floats<2>(tile);
    case 48: return floats<3>(tile);
    default: return floats<4>(tile);
  }
}

void to_i32(const CountTile& tile) {
  switch (tile.lanes) {
    case 16: return integers<1>(tile);
    case 32: return integers<2>(tile);
    case 48: return integers<3>(tile);
    default: return integers<4>(tile);
  }
}

}  // namespace

const DepthwiseBinaryKernels depthwise_binary_conv_avx512 = {"depthwise_binary_conv_512x1_avx512", count_row<true>,
                                                             count_row<false>, to_f32, to_i32};

}  // namespace xnorkit
