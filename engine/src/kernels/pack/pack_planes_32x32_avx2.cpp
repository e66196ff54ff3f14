// Pack from planes, 32 pixels x 32 channels in registers, AVX2: a lane is a pixel's word, and a channel whose float is
// below its threshold turns the channel's bit. Floats are read once, in the order of their planes.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

// The word `word` of 8 N pixels from `pixel` on, the first `pixels` of which exist. `largest` collects the largest bits
// of a float without its sign, one place up.
template <int N, bool Whole>
inline __attribute__((always_inline)) void pack_word(const PackPlanes& planes, int64_t pixel, int64_t pixels,
                                                     int64_t word, int64_t words, __m256i& largest) {
  const __m256i valid =
      _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int32_t>(pixels)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  const int64_t first = word * 32;
  const int64_t count = planes.channels - first < 32 ? planes.channels - first : 32;
  const float* x = planes.source + first * planes.plane_step + pixel;
  __m256i bits[N];
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) bits[n] = _mm256_set1_epi32(static_cast<int32_t>(planes.flip[word]));
  __m256i bit = _mm256_set1_epi32(1);
  for (int64_t c = 0; c < count; ++c, x += planes.plane_step) {
    const __m256 threshold = _mm256_set1_ps(planes.threshold[first + c]);
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      const __m256 v = Whole ? _mm256_loadu_ps(x + 8 * n) : _mm256_maskload_ps(x + 8 * n, valid);
      const __m256i pattern = _mm256_castps_si256(v);
      largest = _mm256_max_epu32(largest, _mm256_add_epi32(pattern, pattern));
      const __m256i below = _mm256_castps_si256(_mm256_cmp_ps(v, threshold, _CMP_LT_OQ));
      bits[n] = _mm256_xor_si256(bits[n], _mm256_and_si256(below, bit));
    }
    bit = _mm256_add_epi32(bit, bit);
  }
  alignas(32) uint32_t lanes[8 * N];
  XNORKIT_UNROLL
  for (int n = 0; n < N; ++n) _mm256_store_si256(reinterpret_cast<__m256i*>(lanes + 8 * n), bits[n]);
  uint32_t* result = planes.result + pixel * words + word;
  for (int64_t i = 0; i < pixels; ++i) result[i * words] = lanes[i];
}

}  // namespace

bool pack_planes_avx2(const PackPlanes& planes) {
  const int64_t words = (planes.channels + 31) / 32;
  __m256i largest = _mm256_setzero_si256();
  int64_t pixel = 0;
  for (; pixel + 32 <= planes.pixels; pixel += 32) {
    for (int64_t word = 0; word < words; ++word) pack_word<4, true>(planes, pixel, 32, word, words, largest);
  }
  for (; pixel < planes.pixels; pixel += 8) {
    const int64_t left = planes.pixels - pixel < 8 ? planes.pixels - pixel : 8;
    for (int64_t word = 0; word < words; ++word) pack_word<1, false>(planes, pixel, left, word, words, largest);
  }
  // Infinity without its sign is 0x7f800000; the larger of both is the same register where none is larger.
  const __m256i infinity = _mm256_set1_epi32(static_cast<int32_t>(0xff000000u));
  const __m256i reached = _mm256_cmpeq_epi32(_mm256_max_epu32(largest, infinity), largest);
  return _mm256_testz_si256(reached, reached) != 0;
}

}  // namespace xnorkit
