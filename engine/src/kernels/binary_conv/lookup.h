// Counting differing bits by look-up, no popcount: the tables of the two nibbles of an activation byte v are
// T[n][j] = popcount(v_n xor j), and a byte shuffle looks up all weight nibbles j of a register at once. Two instructions
// count 4 bits of a channel per byte lane, half of what popcount by nibbles needs. Weights lie as nibbles in bytes
// (kNibbles), twice their size: splitting bytes here would add 3 instructions to the 16 of 4 pixels and two nibbles.
//
// Overflow bound: a step (32 bits) adds at most 32 to a byte, 7 steps at most 224 <= 255; then the bytes are added into
// 16-bit sums in memory. 292 times 224 is 65408 <= 65535; then those are added into 32-bit totals, at most K <= 2^24.
//
// Channel c of 32 is in byte 2 (c % 16) + c / 16, so that the even bytes are 16 consecutive channels.
//
// For files that carry the flags of an instruction set, which define V: a register of V::kChannels bytes.
#pragma once

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

constexpr int32_t kStepsPerByte = 7;
constexpr int32_t kWideningsPerSum = 292;

// [activation byte]: the table of its low nibble, then that of its high nibble.
struct NibbleTables {
  alignas(64) uint8_t of[256][2][16];
};

constexpr NibbleTables make_tables() {
  NibbleTables tables{};
  for (int v = 0; v < 256; ++v) {
    for (int half = 0; half < 2; ++half) {
      for (int j = 0; j < 16; ++j) {
        const int bits = ((v >> (4 * half)) & 15) ^ j;
        tables.of[v][half][j] = static_cast<uint8_t>((bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1) + (bits >> 3));
      }
    }
  }
  return tables;
}

constexpr NibbleTables kTables = make_tables();

// Counts of P pixels, [lane]: in `total` where `wide`, else in `sum`.
template <int P, int L>
struct Counts {
  alignas(64) uint16_t sum[P][L];
  alignas(64) uint32_t total[P][L];
  bool wide;
};

// Adds the bytes of every pixel to its sums (the first ones become the sums), and clears them.
template <class V, int P, int N>
inline __attribute__((always_inline)) void widen(bool first, typename V::Register (&bytes)[P][N],
                                                 Counts<P, N * V::kChannels>& to) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      if (first) {
        V::store(bytes[p][n], to.sum[p] + n * V::kChannels);
      } else {
        V::add_to(bytes[p][n], to.sum[p] + n * V::kChannels);
      }
      bytes[p][n] = V::zero();
    }
  }
}

// Adds the sums to the totals; the first ones become the totals.
template <int P, int L>
void flush(Counts<P, L>& counts) {
  for (int p = 0; p < P; ++p) {
    for (int lane = 0; lane < L; ++lane) {
      counts.total[p][lane] = (counts.wide ? counts.total[p][lane] : 0) + counts.sum[p][lane];
    }
  }
  counts.wide = true;
}

// Weights are [step][byte of a word][low, high nibble][lane].
template <class V, int P, int N>
inline __attribute__((always_inline)) void count(const BinaryTile& tile, Counts<P, N * V::kChannels>& counts) {
  constexpr int kLanes = N * V::kChannels;
  typename V::Register bytes[P][N];
  const uint32_t* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) bytes[p][n] = V::zero();
  }
  counts.wide = false;
  int32_t room = kStepsPerByte;
  int32_t widenings = 0;
  const auto widen_bytes = [&] {
    widen<V, P, N>(widenings == 0, bytes, counts);
    room = kStepsPerByte;
    if (++widenings == kWideningsPerSum) {
      flush(counts);
      widenings = 0;
    }
  };
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const auto* w = reinterpret_cast<const uint8_t*>(tile.weight) + int64_t{8} * run.weight * kLanes;
    for (int32_t begin = 0; begin < run.length;) {
      const int32_t left = run.length - begin;
      const int32_t steps = left < kStepsPerByte ? left : kStepsPerByte;
      if (steps > room) widen_bytes();
      const int64_t last = int64_t{4} * (run.source + begin + steps);
      for (int64_t i = int64_t{4} * (run.source + begin); i < last; ++i, w += 2 * kLanes) {
        typename V::Register low[N];
        typename V::Register high[N];
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) {
          low[n] = V::load(w + n * V::kChannels);
          high[n] = V::load(w + kLanes + n * V::kChannels);
        }
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) {
          const auto& tables = kTables.of[reinterpret_cast<const uint8_t*>(source[p])[i]];
          const typename V::Register low_table = V::load_table(tables[0]);
          const typename V::Register high_table = V::load_table(tables[1]);
          XNORKIT_UNROLL
          for (int n = 0; n < N; ++n) {
            bytes[p][n] = V::add(bytes[p][n], V::look_up(low_table, low[n]));
            bytes[p][n] = V::add(bytes[p][n], V::look_up(high_table, high[n]));
          }
        }
      }
      room -= steps;
      begin += steps;
    }
  }
  widen_bytes();
  if (counts.wide && widenings != 0) flush(counts);
}

}  // namespace
}  // namespace xnorkit
