// Counting differing bits by look-up, no popcount: the tables of the two nibbles of an activation byte v are
// T[n][j] = popcount(v_n xor j), and a byte shuffle looks up all weight nibbles j of a register at once. Two instructions
// count 4 bits of a channel per byte lane, half of what popcount by nibbles needs.
//
// Overflow bound: a step (32 bits) adds at most 32 to a byte, 7 steps at most 224 <= 255; then the bytes are added into
// 32-bit totals in memory, at most K <= 2^24.
//
// For files that carry the flags of an instruction set, which define V: a register of V::kChannels bytes.
#pragma once

#include "common/unroll.h"
#include "dispatch/kernels.h"

namespace xnorkit {
namespace {

constexpr int32_t kStepsPerByte = 7;

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

// Adds the N registers of bytes of every pixel to its totals, [lane], and clears them.
template <class V, int P, int N>
inline __attribute__((always_inline)) void widen(typename V::Register (&bytes)[P][N],
                                                 uint32_t (&total)[P][N * V::kChannels]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) {
      V::add_to(bytes[p][n], total[p] + n * V::kChannels);
      bytes[p][n] = V::zero();
    }
  }
}

// Weights are [step][byte of a word][lane].
template <class V, int P, int N>
inline __attribute__((always_inline)) void count(const BinaryTile& tile, uint32_t (&total)[P][N * V::kChannels]) {
  constexpr int kLanes = N * V::kChannels;
  typename V::Register bytes[P][N];
  const uint32_t* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    for (int lane = 0; lane < kLanes; ++lane) total[p][lane] = 0;
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) bytes[p][n] = V::zero();
  }
  int32_t room = kStepsPerByte;
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const auto* w = reinterpret_cast<const uint8_t*>(tile.weight) + int64_t{4} * run.weight * kLanes;
    for (int32_t begin = 0; begin < run.length;) {
      const int32_t left = run.length - begin;
      const int32_t end = begin + (left < room ? left : room);
      const int64_t last = int64_t{4} * (run.source + end);
      for (int64_t i = int64_t{4} * (run.source + begin); i < last; ++i, w += kLanes) {
        typename V::Register low[N];
        typename V::Register high[N];
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) V::load_nibbles(w + n * V::kChannels, low[n], high[n]);
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
      room -= end - begin;
      begin = end;
      if (room == 0) {
        widen<V, P, N>(bytes, total);
        room = kStepsPerByte;
      }
    }
  }
  widen<V, P, N>(bytes, total);
}

}  // namespace
}  // namespace xnorkit
