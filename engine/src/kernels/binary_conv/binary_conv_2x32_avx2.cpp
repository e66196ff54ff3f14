// Binary convolution, up to 2 pixels x 32 channels in registers, AVX2, popcount by nibbles.
//
// A 32-bit lane holds one channel. popcount of a byte = table[low nibble] + table[high nibble] by two byte shuffles,
// added up in bytes. Overflow bound: a step adds at most 8 to a byte, 31 steps at most 248 <= 255; then the four bytes
// of a lane are added into its 32-bit total, at most K <= 2^24.
#include <immintrin.h>

#include "common/unroll.h"
#include "dispatch/kernels.h"
#include "kernels/tail/tail_avx2.h"

namespace xnorkit {
namespace {

constexpr int kRegisters = 4;  // of 8 channels
constexpr int kChannels = 8 * kRegisters;
constexpr int32_t kStepsPerByte = 31;

template <int P>
inline __attribute__((always_inline)) void widen(__m256i (&bytes)[P][kRegisters], __m256i (&total)[P][kRegisters]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) {
      const __m256i pairs = _mm256_maddubs_epi16(bytes[p][n], _mm256_set1_epi8(1));
      total[p][n] = _mm256_add_epi32(total[p][n], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
      bytes[p][n] = _mm256_setzero_si256();
    }
  }
}

// The 32 lanes' part of [step][lane] begins at lane `first`, with `lanes` lanes from one step to the next. M: the lanes
// belong to several groups, and each counts the bits of its own.
template <bool M, int P>
inline __attribute__((always_inline)) void count(const BinaryTile& tile, int first, int64_t lanes,
                                                 __m256i (&total)[P][kRegisters]) {
  const __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  __m256i bytes[P][kRegisters];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) total[p][n] = bytes[p][n] = _mm256_setzero_si256();
  }
  int32_t room = kStepsPerByte;
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* w = tile.weight + first + run.weight * lanes;
    const uint32_t* mask = M ? tile.mask + first + run.weight * lanes : nullptr;
    for (int32_t begin = 0; begin < run.length;) {
      const int32_t left = run.length - begin;
      const int32_t end = begin + (left < room ? left : room);
      for (int32_t i = begin; i < end; ++i, w += lanes, mask += M ? lanes : 0) {
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) {
          const __m256i x = _mm256_set1_epi32(static_cast<int32_t>(tile.source[p][run.source + i]));
          XNORKIT_UNROLL
          for (int n = 0; n < kRegisters; ++n) {
            const __m256i loaded = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 8 * n));
            __m256i bits = _mm256_xor_si256(x, loaded);
            if (M) bits = _mm256_and_si256(bits, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask + 8 * n)));
            const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(bits, nibble));
            const __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(bits, 4), nibble));
            bytes[p][n] = _mm256_add_epi8(bytes[p][n], _mm256_add_epi8(low, high));
          }
        }
      }
      room -= end - begin;
      begin = end;
      if (room == 0) {
        widen<P>(bytes, total);
        room = kStepsPerByte;
      }
    }
  }
  widen<P>(bytes, total);
}

template <bool M, int E, int P>
void binary_conv_32(const BinaryTile& tile, int first, int64_t lanes) {
  __m256i total[P][kRegisters];
  count<M, P>(tile, first, lanes, total);
  const __m256i k = _mm256_set1_epi32(tile.valid_k);
  for (int p = 0; p < P; ++p) {
    uint32_t word = 0;
    __m256 y[kRegisters];
    for (int n = 0; n < kRegisters; ++n) {
      const int lane = first + 8 * n;
      const __m256i dot = _mm256_sub_epi32(k, _mm256_slli_epi32(total[p][n], 1));
      if (E == kToBits) {
        const __m256i limit = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tile.limit[p] + lane));
        const int above = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(total[p][n], limit)));
        word |= static_cast<uint32_t>(above) << (8 * n);
      } else if (E == kToF32) {
        const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(dot), _mm256_loadu_ps(tile.scale + lane));
        y[n] = _mm256_add_ps(scaled, _mm256_loadu_ps(tile.bias + lane));
      } else {
        _mm256_maskstore_epi32(static_cast<int*>(tile.result[p]) + lane, lane_mask(tile.channels - lane), dot);
      }
    }
    if (E == kToBits) static_cast<uint32_t*>(tile.result[p])[first / 32] = word ^ tile.flip[p][first / 32];
    if (E == kToF32) {
      const uint32_t bits = run_tail<kRegisters>(tile.tail, p, first, tile.channels, y);
      if (tile.tail.bits != nullptr) tile.tail.bits[p][first / 32] = bits ^ tile.tail.flip[first / 32];
    }
  }
}

template <bool M, int E, int P, int L>
void binary_conv(const BinaryTile& tile) {
  for (int first = 0; first < L; first += kChannels) binary_conv_32<M, E, P>(tile, first, L);
}

}  // namespace

#define XNORKIT_PIXELS(M, E, L) {binary_conv<M, E, 1, L>, binary_conv<M, E, 2, L>}
#define XNORKIT_LANES(M, E) {XNORKIT_PIXELS(M, E, 32), XNORKIT_PIXELS(M, E, 64)}
#define XNORKIT_TILES(M) {XNORKIT_LANES(M, kToBits), XNORKIT_LANES(M, kToF32), XNORKIT_LANES(M, kToI32)}
const BinaryConvKernels binary_conv_avx2 = {"binary_conv_2x32_avx2", 2, kInterleaved, XNORKIT_TILES(false)};
const BinaryConvKernels masked_binary_conv_avx2 = {"masked_binary_conv_2x32_avx2", 2, kInterleaved,
                                                   XNORKIT_TILES(true)};

}  // namespace xnorkit
