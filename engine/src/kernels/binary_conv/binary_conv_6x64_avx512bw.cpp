// Binary convolution, up to 6 pixels x 32 or 64 channels in registers, AVX-512 without VPOPCNTDQ, by look-up.
#include <immintrin.h>

#include "kernels/binary_conv/lookup.h"
#include "kernels/binary_conv/store_avx512.h"

namespace xnorkit {
namespace {

// 512-bit registers of 64 channels, or 256-bit registers of 32 for a last block.
struct Wide {
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

  // The even bytes are channels 0 to 15 and 32 to 47.
  static __attribute__((always_inline)) inline void store(Register bytes, uint16_t* sum) {
    const Register even = _mm512_and_si512(bytes, _mm512_set1_epi16(0xff));
    const Register odd = _mm512_srli_epi16(bytes, 8);
    auto* to = reinterpret_cast<__m256i*>(sum);
    to[0] = _mm512_castsi512_si256(even);
    to[1] = _mm512_castsi512_si256(odd);
    to[2] = _mm512_extracti64x4_epi64(even, 1);
    to[3] = _mm512_extracti64x4_epi64(odd, 1);
  }

  static __attribute__((always_inline)) inline void add_to(Register bytes, uint16_t* sum) {
    const Register even = _mm512_and_si512(bytes, _mm512_set1_epi16(0xff));
    const Register odd = _mm512_srli_epi16(bytes, 8);
    auto* to = reinterpret_cast<__m256i*>(sum);
    to[0] = _mm256_add_epi16(to[0], _mm512_castsi512_si256(even));
    to[1] = _mm256_add_epi16(to[1], _mm512_castsi512_si256(odd));
    to[2] = _mm256_add_epi16(to[2], _mm512_extracti64x4_epi64(even, 1));
    to[3] = _mm256_add_epi16(to[3], _mm512_extracti64x4_epi64(odd, 1));
  }
};

struct Half {
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

template <int E, int P, class V>
void binary_conv(const BinaryTile& tile) {
  constexpr int kRegisters = V::kChannels / 16;
  Counts<P, V::kChannels> counts;
  count<V, P, 1>(tile, counts);
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
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E, Half), XNORKIT_PIXELS(E, Wide)}
const BinaryConvKernels binary_conv_avx512bw = {
    "binary_conv_6x64_avx512bw", 6, kNibbles, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
