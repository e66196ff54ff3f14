// Signed sums, 4 rows x 64 lanes, AVX2: tables of the 16 signed sums of 4 values, read by vpshufb with 4 sign bits a lane.
// A byte of the index holds two bundles of a lane.
//
// A signed sum of 4 values is within +-2044; 2048 more than it has 12 bits without a sign, kept as two bytes of 6 bits,
// 16 low ones and 16 high ones. Four bytes of 6 bits add up in a byte, so that one widening to 16 bits serves four
// bundles, and it needs no shuffle (the ports that vpshufb takes): words are summed as they are, and their upper bytes
// once more, shifted down; what is left of the former without the latter is the lower bytes' sum. Per 4 bundles, 32 lanes
// and row these are 8 shuffles, 6 additions of bytes and 6 operations to widen. 16 bundles, 64 values within +-32,704, are
// summed in 16 bits before they are added to the result.
#include <immintrin.h>

#include <cstring>

#include "common/unroll.h"
#include "contract/sum_kernels.h"
#include "kernels/signed_sums/rows.h"

namespace xnorkit {
namespace {

constexpr int kBundle = 4, kWordBundles = 2, kTable = 16;
constexpr int kStep = 4;       // bundles whose bytes are summed before they are widened
constexpr int32_t kSpan = 16;  // bundles that are summed in 16 bits
constexpr int kOffset = 2048;  // makes a table's entry positive

// 0xFF in the bytes whose bit is set, for the 32 bits of two parts.
inline __m256i spread(uint32_t bits) {
  const __m256i which =
      _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
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

// Of entry i, the sign of a value is -1 where its bit of i is 1. 16 low bytes, then 16 high ones.
void tables_avx2(const int16_t* value, int64_t bundles, int16_t* table) {
  // Signs of pairs of values. The first two of a bundle repeat every four entries.
  const __m256i pp = _mm256_set1_epi32(0x00010001);
  const __m128i first = _mm_setr_epi32(0x00010001, 0x0001FFFF, static_cast<int>(0xFFFF0001), -1);
  const __m256i pair0 = _mm256_broadcastsi128_si256(first);
  const __m256i pair1_low = _mm256_blend_epi32(pp, _mm256_set1_epi32(0x0001FFFF), 0xF0);
  const __m256i pair1_high =
      _mm256_blend_epi32(_mm256_set1_epi32(static_cast<int>(0xFFFF0001)), _mm256_set1_epi32(-1), 0xF0);
  const __m256i offset = _mm256_set1_epi32(kOffset), six = _mm256_set1_epi16(63);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (int64_t g = 0; g < bundles; ++g, value += kBundle, table += kTable) {
    int32_t pair[2];
    std::memcpy(pair, value, sizeof pair);
    const __m256i other = _mm256_set1_epi32(pair[1]);
    const __m256i a = _mm256_add_epi32(_mm256_madd_epi16(_mm256_set1_epi32(pair[0]), pair0), offset);
    const __m256i low = _mm256_add_epi32(a, _mm256_madd_epi16(other, pair1_low));    // entries 0 to 7
    const __m256i high = _mm256_add_epi32(a, _mm256_madd_epi16(other, pair1_high));  // entries 8 to 15
    const __m256i sums = _mm256_packus_epi32(low, high);
    const __m256i bytes = _mm256_packus_epi16(_mm256_and_si256(sums, six), _mm256_srli_epi16(sums, 6));
    // The packing leaves four entries in 32 bits: low bytes of 0-3 and 8-11, high ones; those of 4-7 and 12-15.
    _mm256_store_si256(reinterpret_cast<__m256i*>(table), _mm256_permutevar8x32_epi32(bytes, order));
  }
}

// Sums of bytes, 32 lanes: of all 16-bit words, and of the words' upper bytes alone. The lower ones' are their difference.
struct ByteSums {
  __m256i words = _mm256_setzero_si256();
  __m256i upper = _mm256_setzero_si256();

  void add(__m256i bytes) {
    words = _mm256_add_epi16(words, bytes);
    upper = _mm256_add_epi16(upper, _mm256_srli_epi16(bytes, 8));
  }
  __m256i lower() const { return _mm256_sub_epi16(words, _mm256_slli_epi16(upper, 8)); }
};

// Adds the look-ups of G bundles, which fit a byte: G * 63 < 256.
template <int R, int G>
inline void add_bundles(const int16_t* table, int64_t row_step, const uint8_t* index, ByteSums (&low)[R],
                        ByteSums (&high)[R]) {
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i i[G];
  XNORKIT_UNROLL
  for (int g = 0; g < G; ++g) {
    const __m256i word = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index + g / kWordBundles * 64));
    i[g] = _mm256_and_si256(g % kWordBundles == 0 ? word : _mm256_srli_epi16(word, 4), nibble);
  }
  XNORKIT_UNROLL
  for (int r = 0; r < R; ++r) {
    __m256i l = _mm256_setzero_si256(), h = l;
    XNORKIT_UNROLL
    for (int g = 0; g < G; ++g) {
      const auto* bytes = reinterpret_cast<const __m128i*>(table + r * row_step + g * kTable);
      const __m256i lows = _mm256_broadcastsi128_si256(_mm_load_si128(bytes));
      const __m256i highs = _mm256_broadcastsi128_si256(_mm_load_si128(bytes + 1));
      l = _mm256_add_epi8(l, _mm256_shuffle_epi8(lows, i[g]));
      h = _mm256_add_epi8(h, _mm256_shuffle_epi8(highs, i[g]));
    }
    low[r].add(l);
    high[r].add(h);
  }
}

// result[lane] += sum for 8 lanes.
inline void add_lanes(__m128i sum, int32_t* result) {
  auto* lanes = reinterpret_cast<__m256i*>(result);
  _mm256_storeu_si256(lanes, _mm256_add_epi32(_mm256_loadu_si256(lanes), _mm256_cvtepi16_epi32(sum)));
}

// R rows, two parts, at most kSpan bundles.
template <int R>
inline void add_span(const int16_t* table, int64_t row_step, const uint8_t* index, int32_t bundles,
                     int32_t* const* result, const int64_t* offset, bool second_part) {
  ByteSums low[R], high[R];
  int32_t left = bundles;
  for (; left >= kStep; left -= kStep, table += kStep * kTable, index += kStep / kWordBundles * 64) {
    add_bundles<R, kStep>(table, row_step, index, low, high);
  }
  if (left == 3) add_bundles<R, 3>(table, row_step, index, low, high);
  if (left == 2) add_bundles<R, 2>(table, row_step, index, low, high);
  if (left == 1) add_bundles<R, 1>(table, row_step, index, low, high);
  const __m256i offsets = _mm256_set1_epi16(static_cast<int16_t>(kOffset * bundles));
  XNORKIT_UNROLL
  for (int r = 0; r < R; ++r) {
    // Sums of even and odd lanes, modulo 2^16, which they do not leave.
    const __m256i even = _mm256_add_epi16(_mm256_slli_epi16(high[r].lower(), 6), low[r].lower());
    const __m256i odd = _mm256_add_epi16(_mm256_slli_epi16(high[r].upper, 6), low[r].upper);
    const __m256i signed_even = _mm256_sub_epi16(even, offsets), signed_odd = _mm256_sub_epi16(odd, offsets);
    // Lanes 0-7 and 16-23 are in the first register, 8-15 and 24-31 in the second.
    const __m256i first = _mm256_unpacklo_epi16(signed_even, signed_odd);
    const __m256i second = _mm256_unpackhi_epi16(signed_even, signed_odd);
    int32_t* part = result[r] + offset[0];
    add_lanes(_mm256_castsi256_si128(first), part);
    add_lanes(_mm256_castsi256_si128(second), part + 8);
    if (!second_part) continue;
    part = result[r] + offset[1];
    add_lanes(_mm256_extracti128_si256(first, 1), part);
    add_lanes(_mm256_extracti128_si256(second, 1), part + 8);
  }
}

template <int R>
void add_rows(const SumTile& tile, int first_row) {
  const int16_t* table = tile.table + first_row * tile.table_step;
  for (int part = 0; part < tile.parts; part += 2) {
    for (int32_t from = 0; from < tile.bundles; from += kSpan) {
      const int32_t left = tile.bundles - from;
      add_span<R>(table + from * kTable, tile.table_step, tile.index + from / kWordBundles * 64 + 16 * part,
                  left < kSpan ? left : kSpan, tile.result + first_row, tile.offset + part, part + 1 < tile.parts);
    }
  }
}

template <int P>
void signed_sums(const SumTile& tile) {
  if constexpr (P >= 2) add_rows<2>(tile, 0);
  if constexpr (P == 4) add_rows<2>(tile, 2);
  if constexpr (P % 2 == 1) add_rows<1>(tile, P - 1);
}

}  // namespace

const SumKernels signed_sums_avx2 = {
    "signed_sums_4x64_avx2",
    kBundle,
    kWordBundles,
    kTable,
    64,
    index_avx2,
    tables_avx2,
    {signed_sums<1>, signed_sums<2>, signed_sums<3>, signed_sums<4>},
    kSumRowKernels,
};

}  // namespace xnorkit
