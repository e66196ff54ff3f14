// Binary convolution, up to 6 pixels x 32 or 64 channels in registers, AVX-512 with VPOPCNTDQ.
//
// A lane holds one channel: for each step, 2 or 4 registers of weights meet the broadcast activation word of every
// pixel, acc += popcount(x ^ w). 6 x 4 accumulators, 4 weights, one broadcast and two temporaries fill the 32
// registers. A lane counts at most K <= 2^24 differing bits, so 32 bits hold it.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/binary_conv/store_avx512.h"

namespace xnorkit {
namespace {

// One step. First: its counts become the sums, which saves an addition; M: the lanes belong to several groups, and each
// counts the bits of its own.
template <bool First, bool M, int P, int N>
inline __attribute__((always_inline)) void add_step(const uint32_t* const (&source)[P], int64_t i,
                                                    const uint32_t* weight, const uint32_t* mask,
                                                    __m512i (&differing)[P][N]) {
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
      const __m512i count = _mm512_popcnt_epi32(bits);
      differing[p][n] = First ? count : _mm512_add_epi32(differing[p][n], count);
    }
  }
}

template <int P, int N, bool M>
inline __attribute__((always_inline)) void count(const BinaryTile& tile, __m512i (&differing)[P][N]) {
  constexpr int64_t kLanes = 16 * N;
  const uint32_t* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) differing[p][n] = _mm512_setzero_si512();
  }
  if (tile.run_count == 0) return;
  const Run* run = tile.runs;
  const Run* const last = run + tile.run_count;
  int64_t i = run->source;
  const uint32_t* weight = tile.weight + run->weight * kLanes;
  const uint32_t* mask = M ? tile.mask + run->weight * kLanes : nullptr;
  add_step<true, M, P, N>(source, i, weight, mask, differing);
  for (;;) {
    const int64_t end = int64_t{run->source} + run->length;
    // A run's first step: done above, or by the end of this loop.
    for (++i, weight += kLanes, mask += M ? kLanes : 0; i < end; ++i, weight += kLanes, mask += M ? kLanes : 0) {
      add_step<false, M, P, N>(source, i, weight, mask, differing);
    }
    if (++run == last) return;
    i = run->source;
    weight = tile.weight + run->weight * kLanes;
    if (M) mask = tile.mask + run->weight * kLanes;
    add_step<false, M, P, N>(source, i, weight, mask, differing);
  }
}

template <bool M, int E, int P, int N>
void binary_conv(const BinaryTile& tile) {
  __m512i differing[P][N];
  count<P, N, M>(tile, differing);
  store_counts<E, P, N>(tile, differing);
}

}  // namespace

#define XNORKIT_FEW(M, E, N) binary_conv<M, E, 1, N>, binary_conv<M, E, 2, N>, binary_conv<M, E, 3, N>
#define XNORKIT_ALL(M, E, N) \
  XNORKIT_FEW(M, E, N), binary_conv<M, E, 4, N>, binary_conv<M, E, 5, N>, binary_conv<M, E, 6, N>
// clang-format off
#define XNORKIT_LANES(PIXELS, M, E) {{PIXELS(M, E, 2)}, {PIXELS(M, E, 4)}}
// clang-format on
#define XNORKIT_TILES(PIXELS, M) \
  {XNORKIT_LANES(PIXELS, M, kToBits), XNORKIT_LANES(PIXELS, M, kToF32), XNORKIT_LANES(PIXELS, M, kToI32)}
const BinaryConvKernels binary_conv_avx512 = {"binary_conv_6x64_avx512", 6, kInterleaved,
                                              XNORKIT_TILES(XNORKIT_ALL, false)};
// Half the pixels: the masks come from memory for each of them anyway, and these tiles would be as large as the others.
const BinaryConvKernels masked_binary_conv_avx512 = {"masked_binary_conv_3x64_avx512", 3, kInterleaved,
                                                     XNORKIT_TILES(XNORKIT_FEW, true)};

}  // namespace xnorkit
