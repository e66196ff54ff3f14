// Binary convolution, up to 6 pixels x 32 or 64 channels in registers, AVX-512 without VPOPCNTDQ, by look-up.
#include <immintrin.h>

#include "kernels/binary_conv/lookup.h"
#include "kernels/binary_conv/store_avx512.h"

namespace xnorkit {
namespace {

// A register of 64 channels; a last block of 32 takes Lanes32.
struct Lanes64 {
  using Register = __m512i;
  static constexpr int kChannels = 64;

  static __attribute__((always_inline)) inline Register zero() { return _mm512_setzero_si512(); }

  static __attribute__((always_inline)) inline Register add(Register a, Register b) { return _mm512_add_epi8(a, b); }

  static __attribute__((always_inline)) inline Register load(const uint8_t* w) { return _mm512_loadu_si512(w); }

  static __attribute__((always_inline)) inline Register load_table(const uint8_t* table) {
    return _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
  }

  static __attribute__((always_inline)) inline Register look_up(Register table, Register index) {
    return _mm512_shuffle_epi8(table, index);
  }

  static __attribute__((always_inline)) inline Register add16(Register a, Register b) { return _mm512_add_epi16(a, b); }

  static __attribute__((always_inline)) inline Register subtract16(Register a, Register b) {
    return _mm512_sub_epi16(a, b);
  }

  static __attribute__((always_inline)) inline Register mask(Register a, int16_t bits) {
    return _mm512_and_si512(a, _mm512_set1_epi16(bits));
  }

  template <int S>
  static __attribute__((always_inline)) inline Register shift_left(Register a) {
    return _mm512_slli_epi16(a, S);
  }

  template <int S>
  static __attribute__((always_inline)) inline Register shift_right(Register a) {
    return _mm512_srli_epi16(a, S);
  }

  // The even bytes are channels 0 to 15 and 32 to 47.
  static __attribute__((always_inline)) inline void put(bool first, Register even, Register odd, uint16_t* sum) {
    auto* to = reinterpret_cast<__m256i*>(sum);
    const __m256i part[4] = {_mm512_castsi512_si256(even), _mm512_castsi512_si256(odd),
                             _mm512_extracti64x4_epi64(even, 1), _mm512_extracti64x4_epi64(odd, 1)};
    XNORKIT_UNROLL
    for (int i = 0; i < 4; ++i) to[i] = first ? part[i] : _mm256_add_epi16(to[i], part[i]);
  }
};

template <int E, int P, class V>
void binary_conv(const BinaryTile& tile) {
  constexpr int kRegisters = V::kChannels / 16;
  Counts<V::kChannels> counts;
  int pixels = P;
  __asm__("" : "+r"(pixels));  // else compilers make a copy of count() for each P
  count<V, 1>(tile, pixels, counts);
  __m512i differing[P][kRegisters];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) {
      differing[p][n] =
          counts.wide
              ? _mm512_load_si512(counts.total[p] + 16 * n)
              : _mm512_cvtepu16_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(counts.sum[p] + 16 * n)));
    }
  }
  store_counts<E, P, kRegisters>(tile, differing);
}

}  // namespace

#define XNORKIT_PIXELS(E, V)                                         \
  {binary_conv<E, 1, V>, binary_conv<E, 2, V>, binary_conv<E, 3, V>, \
   binary_conv<E, 4, V>, binary_conv<E, 5, V>, binary_conv<E, 6, V>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E, Lanes32), XNORKIT_PIXELS(E, Lanes64)}
const BinaryConvKernels binary_conv_avx512bw = {
    "binary_conv_6x64_avx512bw", 6, kNibbles, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
