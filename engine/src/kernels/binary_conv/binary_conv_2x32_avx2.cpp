// Binary convolution with weights of one bit each, 2 pixels x 32 channels or 1 x 64 in registers, AVX2, popcount by
// nibbles. Where lanes belong to several groups, a mask leaves to each lane the bits of its own. Without a mask it is for
// weights that come from memory every time: it reads half as much as a kernel with nibbles in bytes.
//
// A 32-bit lane holds one channel. popcount of a byte = table[low nibble] + table[high nibble] by two byte shuffles,
// added up in bytes. Overflow bound: a step adds at most 8 to a byte, 31 steps at most 248 <= 255; then the four bytes
// of a lane are added into its 32-bit total, at most K <= 2^24.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/binary_conv/store_avx2.h"

namespace xnorkit {
namespace {

constexpr int32_t kStepsPerByte = 31;

// R registers of 8 channels for each of P pixels.
template <int P, int R>
inline __attribute__((always_inline)) void widen(__m256i (&bytes)[P][R], __m256i (&total)[P][R]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < R; ++n) {
      const __m256i pairs = _mm256_maddubs_epi16(bytes[p][n], _mm256_set1_epi8(1));
      total[p][n] = _mm256_add_epi32(total[p][n], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
      bytes[p][n] = _mm256_setzero_si256();
    }
  }
}

// The registers' part of [step][lane] begins at lane `first`, with `lanes` lanes from one step to the next.
template <bool Masked, int P, int R>
inline __attribute__((always_inline)) void count(const BinaryTile& tile, int first, int64_t lanes,
                                                 __m256i (&total)[P][R]) {
  const __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  __m256i bytes[P][R];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < R; ++n) total[p][n] = bytes[p][n] = _mm256_setzero_si256();
  }
  int32_t room = kStepsPerByte;
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* w = tile.weight + first + run.weight * lanes;
    const uint32_t* mask = Masked ? tile.mask + first + run.weight * lanes : nullptr;
    for (int32_t begin = 0; begin < run.length;) {
      const int32_t left = run.length - begin;
      const int32_t end = begin + (left < room ? left : room);
      for (int32_t i = begin; i < end; ++i, w += lanes) {
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) {
          const __m256i x = _mm256_set1_epi32(static_cast<int32_t>(tile.source[p][run.source + i]));
          XNORKIT_UNROLL
          for (int n = 0; n < R; ++n) {
            const __m256i loaded = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 8 * n));
            __m256i bits = _mm256_xor_si256(x, loaded);
            if (Masked)
              bits = _mm256_and_si256(bits, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask + 8 * n)));
            const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(bits, nibble));
            const __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(bits, 4), nibble));
            bytes[p][n] = _mm256_add_epi8(bytes[p][n], _mm256_add_epi8(low, high));
          }
        }
        if (Masked) mask += lanes;
      }
      room -= end - begin;
      begin = end;
      if (room == 0) {
        widen<P, R>(bytes, total);
        room = kStepsPerByte;
      }
    }
  }
  widen<P, R>(bytes, total);
}

// 32 lanes from lane `first`. One copy for kernels with and without a mask.
template <int E, int P>
__attribute__((noinline)) void store(const BinaryTile& tile, int first, const __m256i (&total)[P][4],
                                     uint64_t (&bits)[P]) {
  store_counts<E, P>(tile, 0, first, [&](int p, int n) { return total[p][n]; }, bits);
}

template <bool Masked, int E, int P, int L>
void binary_conv(const BinaryTile& tile) {
  constexpr int kRegisters = P == 1 && L == 64 ? 8 : 4;
  uint64_t bits[P] = {};
  for (int first = 0; first < L; first += 8 * kRegisters) {
    __m256i total[P][kRegisters];
    count<Masked>(tile, first, L, total);
    for (int n = 0; n < kRegisters; n += 4) {
      __m256i part[P][4];
      XNORKIT_UNROLL
      for (int i = 0; i < 4 * P; ++i) part[i / 4][i % 4] = total[i / 4][n + i % 4];
      store<E, P>(tile, first + 8 * n, part, bits);
    }
  }
  if (E == kToF32) store_words<P>(tile.tail, 0, tile.channels, bits);
}

}  // namespace

#define XNORKIT_PIXELS(M, E, L) {binary_conv<M, E, 1, L>, binary_conv<M, E, 2, L>}
#define XNORKIT_LANES(M, E) {XNORKIT_PIXELS(M, E, 32), XNORKIT_PIXELS(M, E, 64)}
#define XNORKIT_TILES(M) {XNORKIT_LANES(M, kToBits), XNORKIT_LANES(M, kToF32), XNORKIT_LANES(M, kToI32)}
const BinaryConvKernels streamed_binary_conv_avx2 = {"streamed_binary_conv_2x32_avx2", 2, kInterleaved,
                                                     XNORKIT_TILES(false)};
const BinaryConvKernels masked_binary_conv_avx2 = {"masked_binary_conv_2x32_avx2", 2, kInterleaved,
                                                   XNORKIT_TILES(true)};

}  // namespace xnorkit
