// Signed sums, 4 rows x 64 lanes, AVX2: tables of 16 int16, their low and high bytes in a register each, read by vpshufb
// with 4 sign bits a lane. A byte of the index holds two groups of a lane.
#include <immintrin.h>

#include "common/unroll.h"
#include "dispatch/sum_kernels.h"
#include "kernels/signed_sums/rows.h"

namespace xnorkit {
namespace {

constexpr int kGroup = 4, kWordGroups = 2, kTable = 16;
constexpr int kWordsInShort = 8;  // 16 groups, 64 values, are summed in 16 bits

// 0xFF in the bytes whose bit is set, for the 32 bits of two parts.
inline __m256i spread(uint32_t bits) {
  const __m256i which = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3,
                                         3, 3, 3, 3, 3);
  const __m256i bit = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201u));
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), which);
  return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
}

void index_avx2(const SumIndex& job) {
  for (int half = 0; half < 2; ++half) {
    __m256i word = _mm256_setzero_si256();
    for (int32_t k = 0; k < job.count; ++k) {
      const uint16_t* bits = job.source[k];
      const uint32_t both = bits[job.offset[2 * half]] | static_cast<uint32_t>(bits[job.offset[2 * half + 1]]) << 16;
      word = _mm256_or_si256(word, _mm256_and_si256(spread(both), _mm256_set1_epi8(static_cast<char>(1 << k))));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(job.result + 32 * half), word);
  }
}

void tables_avx2(const int16_t* value, int64_t groups, int16_t* table) {
  const __m256i bit0 = _mm256_set1_epi32(static_cast<int>(0xFFFF0000));
  const __m256i bit1 = _mm256_set1_epi64x(static_cast<int64_t>(0xFFFFFFFF00000000u));
  const __m256i bit2 = _mm256_setr_epi32(0, 0, -1, -1, 0, 0, -1, -1);
  const __m256i bit3 = _mm256_setr_epi32(0, 0, 0, 0, -1, -1, -1, -1);
  const __m256i halves = _mm256_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 14,
                                          1, 3, 5, 7, 9, 11, 13, 15);
  for (int64_t g = 0; g < groups; ++g, value += kGroup, table += kTable) {
    const __m256i a = _mm256_add_epi16(_mm256_and_si256(bit0, _mm256_set1_epi16(value[0])),
                                       _mm256_and_si256(bit1, _mm256_set1_epi16(value[1])));
    const __m256i b = _mm256_add_epi16(_mm256_and_si256(bit2, _mm256_set1_epi16(value[2])),
                                       _mm256_and_si256(bit3, _mm256_set1_epi16(value[3])));
    // Eight low bytes and eight high ones per half of the register, then the low bytes first.
    const __m256i bytes = _mm256_shuffle_epi8(_mm256_add_epi16(a, b), halves);
    _mm256_store_si256(reinterpret_cast<__m256i*>(table), _mm256_permute4x64_epi64(bytes, 0xD8));
  }
}

// Two parts, 32 lanes.
template <int P>
void half_tile(const SumTile& tile, int first_part) {
  const __m256i nibble = _mm256_set1_epi8(15);
  alignas(32) int32_t wide[P][32] = {};
  const int16_t* table = tile.table;
  const uint8_t* index = tile.index + 16 * first_part;
  int32_t left = tile.groups;
  while (left > 0) {
    __m256i sum[P][2];
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) sum[p][0] = sum[p][1] = _mm256_setzero_si256();
    for (int32_t w = 0; w < kWordsInShort && left > 0; ++w, index += 64) {
      __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index));
      const int32_t groups = left < kWordGroups ? left : kWordGroups;
      for (int32_t g = 0; g < groups; ++g, table += kTable) {
        const __m256i i = _mm256_and_si256(both, nibble);
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) {
          const auto* bytes = reinterpret_cast<const __m128i*>(table + p * tile.table_step);
          const __m256i low = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(bytes)), i);
          const __m256i high = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(bytes + 1)), i);
          sum[p][0] = _mm256_add_epi16(sum[p][0], _mm256_unpacklo_epi8(low, high));
          sum[p][1] = _mm256_add_epi16(sum[p][1], _mm256_unpackhi_epi8(low, high));
        }
        both = _mm256_srli_epi16(both, 4);
      }
      left -= groups;
    }
    // Lanes 0-7 and 16-23 are in the first sum, 8-15 and 24-31 in the second.
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) {
        const __m256i from = sum[p][n % 2];
        const __m128i part = n < 2 ? _mm256_castsi256_si128(from) : _mm256_extracti128_si256(from, 1);
        auto* lanes = reinterpret_cast<__m256i*>(wide[p] + 8 * n);
        _mm256_store_si256(lanes, _mm256_add_epi32(_mm256_load_si256(lanes), _mm256_cvtepi16_epi32(part)));
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    // Of a table's last entry, the low byte is at 15 and the high one at 31.
    int32_t sum = 0;
    for (int32_t g = 0; g < tile.groups; ++g) {
      const auto* bytes = reinterpret_cast<const uint8_t*>(tile.table + p * tile.table_step + g * kTable);
      sum += static_cast<int16_t>(bytes[15] | bytes[31] << 8);
    }
    const __m256i total = _mm256_set1_epi32(sum);
    for (int n = 0; n < 4 && first_part + n / 2 < tile.parts; ++n) {
      auto* lanes = reinterpret_cast<__m256i*>(tile.result[p] + tile.offset[first_part + n / 2] + 8 * (n % 2));
      const __m256i sums = _mm256_load_si256(reinterpret_cast<const __m256i*>(wide[p] + 8 * n));
      const __m256i signed_sum = _mm256_sub_epi32(total, _mm256_slli_epi32(sums, 1));
      _mm256_storeu_si256(lanes, _mm256_add_epi32(_mm256_loadu_si256(lanes), signed_sum));
    }
  }
}

template <int P>
void signed_sums(const SumTile& tile) {
  half_tile<P>(tile, 0);
  if (tile.parts > 2) half_tile<P>(tile, 2);
}

}  // namespace

const SumKernels signed_sums_avx2 = {
    "signed_sums_4x64_avx2",
    kGroup,
    kWordGroups,
    kTable,
    64,
    index_avx2,
    tables_avx2,
    {signed_sums<1>, signed_sums<2>, signed_sums<3>, signed_sums<4>},
    kSumRowKernels,
};

}  // namespace xnorkit
