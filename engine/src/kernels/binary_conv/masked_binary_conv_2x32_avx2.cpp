// Binary convolution whose lanes belong to several groups, up to 2 pixels x 32 channels in registers, AVX2, popcount by
// nibbles: a mask leaves to each lane the bits of its own group.
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

// The 32 lanes' part of [step][lane] begins at lane `first`, with `lanes` lanes from one step to the next.
template <int P>
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
    const uint32_t* mask = tile.mask + first + run.weight * lanes;
    for (int32_t begin = 0; begin < run.length;) {
      const int32_t left = run.length - begin;
      const int32_t end = begin + (left < room ? left : room);
      for (int32_t i = begin; i < end; ++i, w += lanes, mask += lanes) {
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) {
          const __m256i x = _mm256_set1_epi32(static_cast<int32_t>(tile.source[p][run.source + i]));
          XNORKIT_UNROLL
          for (int n = 0; n < kRegisters; ++n) {
            const __m256i loaded = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 8 * n));
            const __m256i counted = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask + 8 * n));
            const __m256i bits = _mm256_and_si256(_mm256_xor_si256(x, loaded), counted);
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

template <int E, int P, int L>
void binary_conv(const BinaryTile& tile) {
  for (int first = 0; first < L; first += kChannels) {
    __m256i total[P][kRegisters];
    count<P>(tile, first, L, total);
    for (int p = 0; p < P; ++p) store_counts<E>(tile, p, first, total[p]);
  }
}

}  // namespace

#define XNORKIT_PIXELS(E, L) {binary_conv<E, 1, L>, binary_conv<E, 2, L>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E, 32), XNORKIT_PIXELS(E, 64)}
const BinaryConvKernels masked_binary_conv_avx2 = {
    "masked_binary_conv_2x32_avx2",
    2,
    kInterleaved,
    {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
