// Signed sums, 4 rows x 64 lanes, AVX-512: tables of the 32 signed sums of 5 values, int16, one register, read by vpermw
// with 5 sign bits a lane.
//
// A word of the index is 16 bits per lane, three bundles of 5. Of a register's 32 lanes, the low halves of its 16 pairs
// belong to one part and the high halves to the next, so that widening to int32 leaves each part in order.
#include <immintrin.h>

#include "common/unroll.h"
#include "contract/sum_kernels.h"
#include "kernels/signed_sums/rows.h"

namespace xnorkit {
namespace {

constexpr int kBundle = 5, kWordBundles = 3, kTable = 32;
constexpr int kWordsInShort = 4;  // 12 bundles, 60 values, are summed in 16 bits

void index_avx512(const SumIndex& job) {
  __m512i low = _mm512_setzero_si512(), high = low;
  for (int32_t k = 0; k < job.count; ++k) {
    const uint16_t* bits = job.source[k];
    const __m512i first = _mm512_set1_epi32(1 << k), second = _mm512_set1_epi32(1 << (k + 16));
    low = _mm512_mask_or_epi32(low, bits[job.offset[0]], low, first);
    low = _mm512_mask_or_epi32(low, bits[job.offset[1]], low, second);
    high = _mm512_mask_or_epi32(high, bits[job.offset[2]], high, first);
    high = _mm512_mask_or_epi32(high, bits[job.offset[3]], high, second);
  }
  _mm512_storeu_si512(job.result, low);
  _mm512_storeu_si512(job.result + 64, high);
}

// All five values, less twice those whose bit of the entry's number is 1.
void tables_avx512(const int16_t* value, int64_t bundles, int16_t* table) {
  constexpr __mmask32 kBit[kBundle] = {0xAAAAAAAA, 0xCCCCCCCC, 0xF0F0F0F0, 0xFF00FF00, 0xFFFF0000};
  for (int64_t g = 0; g < bundles; ++g, value += kBundle, table += kTable) {
    const int total = value[0] + value[1] + value[2] + value[3] + value[4];
    __m512i sums = _mm512_set1_epi16(static_cast<int16_t>(total));
    XNORKIT_UNROLL
    for (int k = 0; k < kBundle; ++k) {
      sums = _mm512_mask_sub_epi16(sums, kBit[k], sums, _mm512_set1_epi16(static_cast<int16_t>(2 * value[k])));
    }
    _mm512_store_si512(table, sums);
  }
}

// Up to kWordsInShort words: sums of 16 bits in `narrow`.
template <int P>
inline void add_words(const SumTile& tile, int32_t from, int32_t bundles, __m512i (&narrow)[P][2]) {
  const int16_t* table = tile.table + static_cast<int64_t>(from) * kTable;
  const uint8_t* index = tile.index + from / kWordBundles * 128;
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) narrow[p][0] = narrow[p][1] = _mm512_setzero_si512();
  for (int32_t left = bundles; left > 0; left -= kWordBundles, index += 128) {
    __m512i low = _mm512_loadu_si512(index), high = _mm512_loadu_si512(index + 64);
    const int32_t count = left < kWordBundles ? left : kWordBundles;
    for (int32_t g = 0; g < count; ++g, table += kTable) {
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const __m512i sums = _mm512_load_si512(table + p * tile.table_step);
        narrow[p][0] = _mm512_add_epi16(narrow[p][0], _mm512_permutexvar_epi16(low, sums));
        narrow[p][1] = _mm512_add_epi16(narrow[p][1], _mm512_permutexvar_epi16(high, sums));
      }
      low = _mm512_srli_epi16(low, kBundle);
      high = _mm512_srli_epi16(high, kBundle);
    }
  }
}

// The low and the high halves of pairs, as int32.
inline __m512i low_halves(__m512i pairs) { return _mm512_madd_epi16(pairs, _mm512_set1_epi32(1)); }
inline __m512i high_halves(__m512i pairs) { return _mm512_srai_epi32(pairs, 16); }

template <int P>
void signed_sums(const SumTile& tile) {
  constexpr int32_t kShort = kWordsInShort * kWordBundles;
  __m512i narrow[P][2], wide[P][kSumParts];
  add_words<P>(tile, 0, tile.bundles < kShort ? tile.bundles : kShort, narrow);
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int h = 0; h < 2; ++h) {
      wide[p][2 * h] = low_halves(narrow[p][h]);
      wide[p][2 * h + 1] = high_halves(narrow[p][h]);
    }
  }
  for (int32_t from = kShort; from < tile.bundles; from += kShort) {
    add_words<P>(tile, from, tile.bundles - from < kShort ? tile.bundles - from : kShort, narrow);
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      XNORKIT_UNROLL
      for (int h = 0; h < 2; ++h) {
        wide[p][2 * h] = _mm512_add_epi32(wide[p][2 * h], low_halves(narrow[p][h]));
        wide[p][2 * h + 1] = _mm512_add_epi32(wide[p][2 * h + 1], high_halves(narrow[p][h]));
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kSumParts; ++n) {
      if (n >= tile.parts) break;
      int32_t* result = tile.result[p] + tile.offset[n];
      _mm512_storeu_si512(result, _mm512_add_epi32(_mm512_loadu_si512(result), wide[p][n]));
    }
  }
}

}  // namespace

const SumKernels signed_sums_avx512 = {
    "signed_sums_4x64_avx512",
    kBundle,
    kWordBundles,
    kTable,
    128,
    index_avx512,
    tables_avx512,
    {signed_sums<1>, signed_sums<2>, signed_sums<3>, signed_sums<4>},
    kSumRowKernels,
};

}  // namespace xnorkit
