// Binary convolution, up to 8 pixels x 32 or 64 channels, AVX2, by look-up. Four accumulators, three tables, a mask and
// temporaries fill the registers; weights are operands in memory.
#include <immintrin.h>

#include "kernels/binary_conv/lookup.h"
#include "kernels/binary_conv/store_avx2.h"

namespace xnorkit {
namespace {

// One word of bits, of counts below 2^15 and limits for each of them, in the order of Counts: 0 to 15, 16 to 31.
inline __attribute__((always_inline)) uint32_t above(const uint16_t* sum, const __m256i (&limit)[2]) {
  const auto* from = reinterpret_cast<const __m256i*>(sum);
  const __m256i first = _mm256_cmpgt_epi16(_mm256_load_si256(from), limit[0]);
  const __m256i second = _mm256_cmpgt_epi16(_mm256_load_si256(from + 1), limit[1]);
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(first, second), 0xd8);
  return static_cast<uint32_t>(_mm256_movemask_epi8(bytes));
}

// 16 limits, clamped to 16 bits.
inline __attribute__((always_inline)) __m256i short_limits(const int32_t* limit) {
  const auto* from = reinterpret_cast<const __m256i*>(limit);
  const __m256i packed = _mm256_packs_epi32(_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1));
  return _mm256_permute4x64_epi64(packed, 0xd8);
}

// To bits, where counts and those limits that a count can exceed have 15 bits, and all pixels have the same limits.
template <int P, int N>
inline __attribute__((always_inline)) void store_short_bits(const BinaryTile& tile, const Counts<32 * N>& counts) {
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m256i limit[2] = {short_limits(tile.limit[0] + 32 * n), short_limits(tile.limit[0] + 32 * n + 16)};
    const uint32_t flip = tile.flip[0][n];
    for (int p = 0; p < P; ++p) static_cast<uint32_t*>(tile.result[p])[n] = above(counts.sum[p] + 32 * n, limit) ^ flip;
  }
}

// P pixels from pixel `pixel`: two at a time share the loads of scales and thresholds, and the choice of operations.
template <int E, int P, int N>
inline __attribute__((always_inline)) void store(const BinaryTile& tile, int pixel, const Counts<32 * N>& counts) {
  uint64_t bits[P] = {};
  for (int first = 0; first < 32 * N; first += 32) {
    const auto differing = [&](int p, int n) {
      const uint16_t* const sum = counts.sum[pixel + p] + first + 8 * n;
      const uint32_t* const total = counts.total[pixel + p] + first + 8 * n;
      return counts.wide ? _mm256_load_si256(reinterpret_cast<const __m256i*>(total))
                         : _mm256_cvtepu16_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(sum)));
    };
    store_counts<E, P>(tile, pixel, first, differing, bits);
  }
  if (E == kToF32) store_words<P>(tile.tail, pixel, tile.channels, bits);
}

// One copy for all P.
template <int E, int N>
__attribute__((noinline)) void store_all(const BinaryTile& tile, int pixels, const Counts<32 * N>& counts) {
  int p = 0;
  for (; p + 2 <= pixels; p += 2) store<E, 2, N>(tile, p, counts);
  if (p < pixels) store<E, 1, N>(tile, p, counts);
}

template <int E, int P, int N>
void binary_conv(const BinaryTile& tile) {
  Counts<32 * N> counts;
  int pixels = P;
  __asm__("" : "+r"(pixels));  // else compilers make a copy of count() and store_all() for each P
  count<Lanes32, N>(tile, pixels, counts);
  if (E == kToBits && tile.one_limit && !counts.wide && tile.valid_k <= INT16_MAX) {
    store_short_bits<P, N>(tile, counts);
    return;
  }
  store_all<E, N>(tile, pixels, counts);
}

}  // namespace

#define XNORKIT_PIXELS(E, N)                                                               \
  {binary_conv<E, 1, N>, binary_conv<E, 2, N>, binary_conv<E, 3, N>, binary_conv<E, 4, N>, \
   binary_conv<E, 5, N>, binary_conv<E, 6, N>, binary_conv<E, 7, N>, binary_conv<E, 8, N>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E, 1), XNORKIT_PIXELS(E, 2)}
const BinaryConvKernels binary_conv_avx2 = {
    "binary_conv_8x64_avx2", 8, kNibbles, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
