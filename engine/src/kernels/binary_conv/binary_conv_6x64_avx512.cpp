// Binary convolution, up to 6 pixels x 32 or 64 channels in registers, AVX-512 with VPOPCNTDQ.
//
// A lane holds one channel: for each step, 2 or 4 registers of weights meet the broadcast activation word of every
// pixel, acc += popcount(x ^ w). 6 x 4 accumulators, 4 weights, one broadcast and two temporaries fill the 32
// registers. A lane counts at most K <= 2^24 differing bits, so 32 bits hold it.
#include <immintrin.h>

#include "common/unroll.h"
#include "dispatch/kernels.h"
#include "kernels/tail/tail_avx512.h"

namespace xnorkit {
namespace {

// M: the lanes belong to several groups, and each counts the bits of its own.
template <int P, int N, bool M>
inline __attribute__((always_inline)) void count(const BinaryTile& tile, __m512i (&differing)[P][N]) {
  const uint32_t* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) differing[p][n] = _mm512_setzero_si512();
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* weight = tile.weight + static_cast<int64_t>(run.weight) * (16 * N);
    const uint32_t* mask = M ? tile.mask + static_cast<int64_t>(run.weight) * (16 * N) : nullptr;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += 16 * N, mask += M ? 16 * N : 0) {
      __m512i w[N];
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) w[n] = _mm512_loadu_si512(weight + 16 * n);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const __m512i x = _mm512_set1_epi32(static_cast<int32_t>(source[p][i]));
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) {
          __m512i bits = _mm512_xor_si512(x, w[n]);
          if (M) bits = _mm512_and_si512(bits, _mm512_loadu_si512(mask + 16 * n));
          differing[p][n] = _mm512_add_epi32(differing[p][n], _mm512_popcnt_epi32(bits));
        }
      }
    }
  }
}

inline __attribute__((always_inline)) __m512i dot(const BinaryTile& tile, __m512i differing) {
  return _mm512_sub_epi32(_mm512_set1_epi32(tile.valid_k), _mm512_slli_epi32(differing, 1));
}

template <int P, int N>
inline __attribute__((always_inline)) void store_bits(const BinaryTile& tile, const __m512i (&differing)[P][N]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; n += 2) {
      const int32_t* limit = tile.limit[p] + 16 * n;
      const __mmask16 low = _mm512_cmpgt_epi32_mask(differing[p][n], _mm512_loadu_si512(limit));
      const __mmask16 high = _mm512_cmpgt_epi32_mask(differing[p][n + 1], _mm512_loadu_si512(limit + 16));
      static_cast<uint32_t*>(tile.result[p])[n / 2] = _mm512_kunpackw(high, low) ^ tile.flip[p][n / 2];
    }
  }
}

template <int P, int N>
inline __attribute__((always_inline)) void store_floats(const BinaryTile& tile, const __m512i (&differing)[P][N]) {
  __m512 y[P][N];
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m512 scale = _mm512_loadu_ps(tile.scale + 16 * n);
    const __m512 bias = _mm512_loadu_ps(tile.bias + 16 * n);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      y[p][n] = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(dot(tile, differing[p][n])), scale), bias);
    }
  }
  run_tail<P, N>(tile.tail, tile.channels, y);
}

template <int P, int N>
inline __attribute__((always_inline)) void store_integers(const BinaryTile& tile, const __m512i (&differing)[P][N]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      _mm512_mask_storeu_epi32(static_cast<int32_t*>(tile.result[p]) + 16 * n, lane_mask(tile.channels, n),
                               dot(tile, differing[p][n]));
    }
  }
}

template <bool M, int E, int P, int N>
void binary_conv(const BinaryTile& tile) {
  __m512i differing[P][N];
  count<P, N, M>(tile, differing);
  if (E == kToBits) store_bits<P, N>(tile, differing);
  if (E == kToF32) store_floats<P, N>(tile, differing);
  if (E == kToI32) store_integers<P, N>(tile, differing);
}

}  // namespace

#define XNORKIT_PIXELS(M, E, N)                                               \
  {binary_conv<M, E, 1, N>, binary_conv<M, E, 2, N>, binary_conv<M, E, 3, N>, \
   binary_conv<M, E, 4, N>, binary_conv<M, E, 5, N>, binary_conv<M, E, 6, N>}
#define XNORKIT_LANES(M, E) {XNORKIT_PIXELS(M, E, 2), XNORKIT_PIXELS(M, E, 4)}
#define XNORKIT_TILES(M) {XNORKIT_LANES(M, kToBits), XNORKIT_LANES(M, kToF32), XNORKIT_LANES(M, kToI32)}
const BinaryConvKernels binary_conv_avx512 = {"binary_conv_6x64_avx512", 6, kInterleaved, XNORKIT_TILES(false)};
const BinaryConvKernels masked_binary_conv_avx512 = {"masked_binary_conv_6x64_avx512", 6, kInterleaved,
                                                     XNORKIT_TILES(true)};

}  // namespace xnorkit
