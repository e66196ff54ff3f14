// Counting differing bits by look-up, no popcount: a byte shuffle looks up all weight nibbles j of a register at once, in
// the table of one nibble v of an activation, T[j] = popcount(v xor j). It counts 4 bits of a channel per byte lane.
//
// Two pixels share each shuffle. A count of 4 bits is at most 4, so a byte has room for two of them: the table of the
// nibbles (v, u) of two pixels is T[j] = popcount(v xor j) + 16 popcount(u xor j), 256 tables of 16 bytes. Three look-ups
// are at most 12 in either half, so three are added before the halves part (one more could reach 16 and would not fit):
//   counts += t and 0x0f   (bytes: the first pixel's)
//   rests += t >> 4        (16-bit lanes, not masked: see below)
// These are 9 instructions for 3 nibbles of 2 pixels, where a table for each pixel takes 12.
//
// A 16-bit lane of t holds a + 16 b in its low and c + 16 d in its high byte: a, c are counts of the first pixel in two
// channels, b, d of the second. Shifted, it is b + 16 c + 256 d. So `rests` is B + 16 C + 256 D modulo 2^16, where C, at
// most 255, is the high byte of `counts`; less 16 C, it is B + 256 D, and both are at most 255.
//
// A last pixel without a second one looks up its nibbles as both, and keeps the first half. Weights lie as nibbles in
// bytes (kNibbles), twice their size: splitting bytes here would add instructions to every step.
//
// The pairs of a tile take turns at a few steps of weights, which then lie in the nearest cache, and leave their sums in
// memory. So a tile may have many pixels, and a long filter is read from the second-level cache once for all of them.
//
// Overflow bound: a step (32 bits) adds at most 32 to a byte, 7 steps would be 224 <= 255; pieces have 6, since even
// numbers of steps are read together. Then the bytes are added into 16-bit sums in memory. 341 times 192 is 65472 <=
// 65535; then those are added into 32-bit totals, at most K <= 2^24.
//
// Channel c of 32 is in byte 2 (c % 16) + c / 16, so that the even bytes are 16 consecutive channels.
//
// For files that carry the flags of AVX2 or more. V is a register of V::kChannels bytes: Lanes32, or one like it.
#pragma once

#include <immintrin.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

// A register of 32 channels.
struct Lanes32 {
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

  static __attribute__((always_inline)) inline Register add16(Register a, Register b) { return _mm256_add_epi16(a, b); }

  static __attribute__((always_inline)) inline Register subtract16(Register a, Register b) {
    return _mm256_sub_epi16(a, b);
  }

  static __attribute__((always_inline)) inline Register mask(Register a, int16_t bits) {
    return _mm256_and_si256(a, _mm256_set1_epi16(bits));
  }

  template <int S>
  static __attribute__((always_inline)) inline Register shift_left(Register a) {
    return _mm256_slli_epi16(a, S);
  }

  template <int S>
  static __attribute__((always_inline)) inline Register shift_right(Register a) {
    return _mm256_srli_epi16(a, S);
  }

  // The even bytes' counts, then the odd ones', into sums: channels 0 to 15, 16 to 31.
  static __attribute__((always_inline)) inline void put(bool first, Register even, Register odd, uint16_t* sum) {
    auto* to = reinterpret_cast<Register*>(sum);
    to[0] = first ? even : _mm256_add_epi16(to[0], even);
    to[1] = first ? odd : _mm256_add_epi16(to[1], odd);
  }
};

constexpr int32_t kStepsPerByte = 6;
constexpr int32_t kWideningsPerSum = 341;
constexpr int kStepNibbles = 8;

constexpr int ones(int nibble) { return (nibble & 1) + ((nibble >> 1) & 1) + ((nibble >> 2) & 1) + (nibble >> 3); }

// [the first pixel's nibble + 16 times the second's]
struct Tables {
  alignas(64) uint8_t of[256][16];
};

constexpr Tables make_tables() {
  Tables tables{};
  for (int v = 0; v < 256; ++v) {
    for (int j = 0; j < 16; ++j) tables.of[v][j] = static_cast<uint8_t>(ones((v & 15) ^ j) + 16 * ones((v >> 4) ^ j));
  }
  return tables;
}

constexpr Tables kTables = make_tables();

// A table is at kTables.of[0] + kTableUnit * index: 4 is a scale that an address may have, and such an index comes out of
// one product of signed bytes.
constexpr int kTableUnit = 4;

// The indices of a piece, of two pixels: of the low nibbles of its bytes, then of the high ones.
using Indices = uint16_t[2][4 * kStepsPerByte];

// A 16-bit lane begins as the two pixels' byte; of its low or high nibbles, it becomes 4 times the first plus 64 times
// the second.
inline __attribute__((always_inline)) __m256i as_indices(__m256i nibbles) {
  return _mm256_maddubs_epi16(_mm256_and_si256(nibbles, _mm256_set1_epi8(15)), _mm256_set1_epi16(4 + 256 * 64));
}

inline __attribute__((always_inline)) __m128i as_indices(__m128i nibbles) {
  return _mm_maddubs_epi16(_mm_and_si128(nibbles, _mm_set1_epi8(15)), _mm_set1_epi16(4 + 256 * 64));
}

// Writes those of `steps` steps, for the steps from `at` on.
inline __attribute__((always_inline)) void write_indices(const uint32_t* first, const uint32_t* second, int32_t steps,
                                                         int32_t at, Indices& to) {
  uint16_t* low = to[0] + 4 * at;
  uint16_t* high = to[1] + 4 * at;
  for (; steps >= 4; steps -= 4, first += 4, second += 4, low += 16, high += 16) {
    const __m256i bytes = _mm256_or_si256(
        _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(first))),
        _mm256_slli_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(second))), 8));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(low), as_indices(bytes));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(high), as_indices(_mm256_srli_epi16(bytes, 4)));
  }
  if (steps >= 2) {
    const __m128i bytes = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(first)),
                                            _mm_loadl_epi64(reinterpret_cast<const __m128i*>(second)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(low), as_indices(bytes));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(high), as_indices(_mm_srli_epi16(bytes, 4)));
    steps -= 2, first += 2, second += 2, low += 8, high += 8;
  }
  if (steps == 1) {
    const __m128i bytes =
        _mm_unpacklo_epi8(_mm_cvtsi32_si128(static_cast<int>(*first)), _mm_cvtsi32_si128(static_cast<int>(*second)));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(low), as_indices(bytes));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(high), as_indices(_mm_srli_epi16(bytes, 4)));
  }
}

// Counts of a tile's pixels, [lane]: in `total` where `wide`, else in `sum`.
template <int L>
struct Counts {
  alignas(64) uint16_t sum[kMaxPixels][L];
  alignas(64) uint32_t total[kMaxPixels][L];
  bool wide;
};

// Adds the sums to the totals; the first ones become the totals.
template <int L>
void flush(int pixels, Counts<L>& counts) {
  for (int p = 0; p < pixels; ++p) {
    for (int lane = 0; lane < L; ++lane) {
      counts.total[p][lane] = (counts.wide ? counts.total[p][lane] : 0) + counts.sum[p][lane];
    }
  }
  counts.wide = true;
}

// The registers of two pixels; of one, without kTwo, `rests` stay zeros.
template <class V, int N, bool kTwo>
struct Pair {
  typename V::Register counts[N];
  typename V::Register rests[N];

  // Looks G nibbles of step i up, at most 3, from nibble J on.
  template <int J, int G>
  inline __attribute__((always_inline)) void look_up(const Indices& indices, int32_t i, const uint8_t* w) {
    typename V::Register table[G];
    XNORKIT_UNROLL
    for (int g = 0; g < G; ++g) {
      const uint16_t index = indices[(J + g) % 2][4 * i + (J + g) / 2];
      table[g] = V::load_table(kTables.of[0] + kTableUnit * int64_t{index});
    }
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      typename V::Register t = V::look_up(table[0], V::load(w + (J * N + n) * V::kChannels));
      XNORKIT_UNROLL
      for (int g = 1; g < G; ++g) t = V::add(t, V::look_up(table[g], V::load(w + ((J + g) * N + n) * V::kChannels)));
      counts[n] = V::add(counts[n], V::mask(t, 0x0f0f));
      if (kTwo) rests[n] = V::add16(rests[n], V::template shift_right<4>(t));
      // Compilers add up several groups before they touch these registers, and run out of registers.
      __asm__("" : "+x"(counts[n]), "+x"(rests[n]));
    }
  }

  // Counts `steps` steps, at most kStepsPerByte, and adds them to the sums; the first ones become the sums.
  inline __attribute__((always_inline)) void count(const Indices& indices, const uint8_t* w, int32_t steps, bool first,
                                                   uint16_t* sum, uint16_t* second_sum) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) counts[n] = rests[n] = V::zero();
    for (int32_t i = 0; i < steps; ++i, w += kStepNibbles * N * V::kChannels) {
      look_up<0, 3>(indices, i, w);
      look_up<3, 3>(indices, i, w);
      look_up<6, 2>(indices, i, w);
    }
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      const int at = n * V::kChannels;
      const typename V::Register odd = V::template shift_right<8>(counts[n]);
      V::put(first, V::mask(counts[n], 0x00ff), odd, sum + at);
      if (kTwo) {
        const typename V::Register rest = V::subtract16(rests[n], V::template shift_left<4>(odd));
        V::put(first, V::mask(rest, 0x00ff), V::template shift_right<8>(rest), second_sum + at);
      }
    }
  }
};

// Steps with consecutive weights, at most kStepsPerByte of them.
struct Piece {
  const uint8_t* weight;
  int32_t steps;
};

// The pieces of a tile's runs, in order; after the last one, pieces of no steps. Runs whose weights follow each other
// share pieces.
template <int L>
class Pieces {
 public:
  Pieces(const BinaryTile& tile, int pixels) : tile_(tile), pixels_(pixels) {}

  // Writes the next piece's indices, of every two pixels.
  inline __attribute__((always_inline)) Piece next(Indices* indices) {
    Piece piece{nullptr, 0};
    while (run_ < tile_.run_count && piece.steps < kStepsPerByte) {
      const Run run = tile_.runs[run_];
      const auto* weight =
          reinterpret_cast<const uint8_t*>(tile_.weight) + int64_t{kStepNibbles} * L * (run.weight + begin_);
      if (piece.steps == 0) piece.weight = weight;
      if (weight != piece.weight + int64_t{kStepNibbles} * L * piece.steps) break;
      const int32_t room = kStepsPerByte - piece.steps;
      const int32_t left = run.length - begin_;
      const int32_t steps = left < room ? left : room;
      for (int p = 0; p < pixels_; p += 2) {
        const uint32_t* first = tile_.source[p] + run.source + begin_;
        const uint32_t* second = p + 1 < pixels_ ? tile_.source[p + 1] + run.source + begin_ : first;
        write_indices(first, second, steps, piece.steps, indices[p / 2]);
      }
      piece.steps += steps;
      begin_ += steps;
      if (begin_ == run.length) {
        ++run_;
        begin_ = 0;
      }
    }
    return piece;
  }

 private:
  const BinaryTile& tile_;
  int pixels_;
  int32_t run_ = 0;
  int32_t begin_ = 0;
};

// Weights are [step][byte of a word][low, high nibble][lane]. The indices of the next piece are made
// before a piece is counted, so that no look-up waits for them.
template <class V, int N>
__attribute__((noinline)) void count(const BinaryTile& tile, int pixels, Counts<N * V::kChannels>& counts) {
  alignas(32) Indices indices[2][(kMaxPixels + 1) / 2];
  Pieces<N * V::kChannels> pieces(tile, pixels);
  counts.wide = false;
  int32_t widenings = 0;
  int slot = 0;
  Piece piece = pieces.next(indices[slot]);
  do {
    const Indices* const now = indices[slot];
    slot = 1 - slot;
    const Piece ahead = pieces.next(indices[slot]);
    int p = 0;
    for (; p + 2 <= pixels; p += 2) {
      Pair<V, N, true> pair;
      pair.count(now[p / 2], piece.weight, piece.steps, widenings == 0, counts.sum[p], counts.sum[p + 1]);
    }
    if (p < pixels) {
      Pair<V, N, false> single;
      single.count(now[p / 2], piece.weight, piece.steps, widenings == 0, counts.sum[p], nullptr);
    }
    piece = ahead;
    if (++widenings == kWideningsPerSum) {
      flush(pixels, counts);
      widenings = 0;
    }
  } while (piece.steps != 0);
  if (counts.wide && widenings != 0) flush(pixels, counts);
}

}  // namespace
}  // namespace xnorkit
