// Pack from planes, 64 pixels x 32 channels in registers, AVX-512: a lane is a pixel's word, and a channel whose float
// is below its threshold turns the channel's bit. Floats are read once, plane by plane.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

// The word `word` of 16 N pixels from `pixel` on; of the last 16 only those in `valid`. `largest` collects the largest
// bits of a float without its sign, one place up.
template <int N>
inline __attribute__((always_inline)) void pack_word(const PackPlanes& planes, int64_t pixel, int64_t word,
                                                     int64_t words, __mmask16 valid, __m512i& largest) {
  const int64_t first = word * 32;
  const int64_t count = planes.channels - first < 32 ? planes.channels - first : 32;
  const float* x = planes.source + first * planes.plane_step + pixel;
  __m512i bits[N];
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) bits[n] = _mm512_set1_epi32(static_cast<int32_t>(planes.flip[word]));
  __m512i bit = _mm512_set1_epi32(1);
  for (int64_t c = 0; c < count; ++c, x += planes.plane_step) {
    const __m512 threshold = _mm512_set1_ps(planes.threshold[first + c]);
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      const __m512 v = n + 1 < N ? _mm512_loadu_ps(x + 16 * n) : _mm512_maskz_loadu_ps(valid, x + 16 * n);
      const __m512i pattern = _mm512_castps_si512(v);
      largest = _mm512_max_epu32(largest, _mm512_add_epi32(pattern, pattern));
      bits[n] = _mm512_mask_xor_epi32(bits[n], _mm512_cmp_ps_mask(v, threshold, _CMP_LT_OQ), bits[n], bit);
    }
    bit = _mm512_add_epi32(bit, bit);
  }
  alignas(64) uint32_t lanes[16 * N];
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) _mm512_store_si512(lanes + 16 * n, bits[n]);
  const int64_t pixels = 16 * (N - 1) + __builtin_popcount(valid);
  uint32_t* result = planes.result + pixel * words + word;
  for (int64_t i = 0; i < pixels; ++i) result[i * words] = lanes[i];
}

}  // namespace

bool pack_planes_avx512(const PackPlanes& planes) {
  const int64_t words = (planes.channels + 31) / 32;
  __m512i largest = _mm512_setzero_si512();
  int64_t pixel = 0;
  for (; pixel + 64 <= planes.pixels; pixel += 64) {
    for (int64_t word = 0; word < words; ++word) pack_word<4>(planes, pixel, word, words, 0xffff, largest);
  }
  for (; pixel < planes.pixels; pixel += 16) {
    const int64_t left = planes.pixels - pixel;
    const auto valid = static_cast<__mmask16>(left < 16 ? (1 << left) - 1 : 0xffff);
    for (int64_t word = 0; word < words; ++word) pack_word<1>(planes, pixel, word, words, valid, largest);
  }
  // Infinity without its sign is 0x7f800000.
  return _mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(static_cast<int32_t>(0xff000000u))) == 0;
}

}  // namespace xnorkit
