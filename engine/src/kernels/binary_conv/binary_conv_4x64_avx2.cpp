// Binary convolution, up to 4 pixels x 32 or 64 channels in registers, AVX2, by look-up. 8 accumulators, 4 registers of
// nibbles, two tables and two temporaries are the 16 registers.
#include <immintrin.h>

#include "kernels/binary_conv/lookup.h"
#include "kernels/binary_conv/store_avx2.h"

namespace xnorkit {
namespace {

struct Avx2 {
  using Register = __m256i;
  static constexpr int kChannels = 32;

  static __attribute__((always_inline)) inline Register zero() { return _mm256_setzero_si256(); }

  static __attribute__((always_inline)) inline Register add(Register a, Register b) { return _mm256_add_epi8(a, b); }

  static __attribute__((always_inline)) inline Register load(const uint8_t* w) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
  }

  static __attribute__((always_inline)) inline Register load_table(const uint8_t* table) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
  }

  static __attribute__((always_inline)) inline Register look_up(Register table, Register index) {
    return _mm256_shuffle_epi8(table, index);
  }

  static __attribute__((always_inline)) inline void store(Register bytes, uint16_t* sum) {
    auto* to = reinterpret_cast<Register*>(sum);
    to[0] = _mm256_and_si256(bytes, _mm256_set1_epi16(0xff));
    to[1] = _mm256_srli_epi16(bytes, 8);
  }

  static __attribute__((always_inline)) inline void add_to(Register bytes, uint16_t* sum) {
    auto* to = reinterpret_cast<Register*>(sum);
    to[0] = _mm256_add_epi16(to[0], _mm256_and_si256(bytes, _mm256_set1_epi16(0xff)));
    to[1] = _mm256_add_epi16(to[1], _mm256_srli_epi16(bytes, 8));
  }
};

template <int E, int P, int N>
void binary_conv(const BinaryTile& tile) {
  Counts<P, 32 * N> counts;
  count<Avx2, P, N>(tile, counts);
  for (int p = 0; p < P; ++p) {
    for (int first = 0; first < 32 * N; first += 32) {
      __m256i differing[4];
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) {
        const int lane = first + 8 * n;
        differing[n] =
            counts.wide ? _mm256_load_si256(reinterpret_cast<const __m256i*>(counts.total[p] + lane))
                        : _mm256_cvtepu16_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(counts.sum[p] + lane)));
      }
      store_counts<E>(tile, p, first, differing);
    }
  }
}

}  // namespace

#define XNORKIT_PIXELS(E, N) {binary_conv<E, 1, N>, binary_conv<E, 2, N>, binary_conv<E, 3, N>, binary_conv<E, 4, N>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E, 1), XNORKIT_PIXELS(E, 2)}
const BinaryConvKernels binary_conv_avx2 = {
    "binary_conv_4x64_avx2", 4, kNibbles, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
