// Binary convolution, up to 6 pixels x 32 or 64 channels in registers, AVX2, by look-up. 12 accumulators, the nibbles of
// 64 weights and a table fill the 16 registers.
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

  static __attribute__((always_inline)) inline void load_nibbles(const uint8_t* w, Register& low, Register& high) {
    const Register both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
    const Register nibble = _mm256_set1_epi8(0x0f);
    low = _mm256_and_si256(both, nibble);
    high = _mm256_and_si256(_mm256_srli_epi16(both, 4), nibble);
  }

  static __attribute__((always_inline)) inline Register load_table(const uint8_t* table) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
  }

  static __attribute__((always_inline)) inline Register look_up(Register table, Register index) {
    return _mm256_shuffle_epi8(table, index);
  }

  static __attribute__((always_inline)) inline void add_to(Register bytes, uint32_t* total) {
    uint8_t lanes[32];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), bytes);
    XNORKIT_UNROLL
    for (int i = 0; i < 32; i += 8) {
      auto* to = reinterpret_cast<__m256i*>(total + i);
      const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(lanes + i)));
      _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), wide));
    }
  }
};

template <int E, int P, int N>
void binary_conv(const BinaryTile& tile) {
  uint32_t total[P][32 * N];
  count<Avx2, P, N>(tile, total);
  for (int p = 0; p < P; ++p) {
    for (int first = 0; first < 32 * N; first += 32) {
      __m256i differing[4];
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) {
        differing[n] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(total[p] + first + 8 * n));
      }
      store_counts<E>(tile, p, first, differing);
    }
  }
}

}  // namespace

#define XNORKIT_PIXELS(E, N)                                                                                   \
  {binary_conv<E, 1, N>, binary_conv<E, 2, N>, binary_conv<E, 3, N>, binary_conv<E, 4, N>, binary_conv<E, 5, N>, \
   binary_conv<E, 6, N>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E, 1), XNORKIT_PIXELS(E, 2)}
const BinaryConvKernels binary_conv_avx2 = {
    "binary_conv_6x64_avx2", 6, kBytes, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
