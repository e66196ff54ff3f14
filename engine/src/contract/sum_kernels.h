// The contract of the kernels that training needs: sums of integers with binary signs. As contract/kernels.h, this is
// for files with ISA flags: plain structures and function pointers alone.
//
// out[row][lane] = sum over k of value[row][k] * sign[k][lane], where a sign bit of 1 means -1.
//
// `bundle` consecutive values have 2^bundle signed sums: a table, built once per row and bundle; each lane finds its sum
// by its own `bundle` sign bits, its index. One look-up and one addition then stand for `bundle` multiply-adds.
#pragma once

#include <cstdint>

namespace xnorkit {

constexpr int kSumRows = 4;    // rows of a tile at most
constexpr int kSumLanes = 64;  // lanes of a tile, in parts of 16
constexpr int kSumParts = kSumLanes / 16;
// |value| at most: 64 of them, what is summed in 16 bits before a sum is widened, stay within 32,767.
constexpr int kSumLimit = 511;

// The index of one word: the sign bits of up to `word_values` values for 64 lanes.
struct SumIndex {
  const uint16_t* const* source;  // per value: its signs; bit i of source[k][offset[part]] is that of lane 16 part + i
  int32_t count;                  // values that exist; the others' bits become 0
  const int64_t* offset;          // [part]
  uint8_t* result;                // [index_bytes]
};

// result[part] += values * signs for up to kSumRows rows.
struct SumTile {
  const int16_t* table;  // [row][bundle][table_size]
  int64_t table_step;    // from a row to the next
  const uint8_t* index;  // [word][index_bytes]
  int32_t bundles;
  int32_t parts;           // that exist, 1 to kSumParts
  int32_t* const* result;  // [row]
  const int64_t* offset;   // [part]: from a row's result to the part's 16 lanes
};

// Plain loops over floats, compiled once per instruction set. Where a maximum meets NaN or infinity, it is NaN
// or infinity.
struct SumRowKernels {
  // most[c] = max(most[c], |x[i][c]|); most must not be below 0.
  void (*abs_max_channels)(const float* x, int64_t pixels, int64_t channels, float* most);
  // q[i][c] = rint(x[i][c] * factor[c]), halves to even, for products within +-511.
  void (*quantize)(const float* x, int64_t x_step, const float* factor, int64_t pixels, int64_t channels, int16_t* q,
                   int64_t q_step);
  // y[c][r] = x[r][c].
  void (*turn_over)(const int16_t* x, int64_t x_step, int64_t rows, int64_t columns, int16_t* y, int64_t y_step);
  // y[i][c] = inside ? float(sum[i][c]) * scale : 0; inside holds a bit per channel, or is null: all are inside.
  void (*scale)(const int32_t* sum, int64_t sum_step, float scale, const uint32_t* inside, int64_t pixels,
                int64_t channels, float* y);
  // sum[c] += q[c].
  void (*add)(const int16_t* q, int64_t channels, int32_t* sum);
};

struct SumKernels {
  const char* name;
  int32_t bundle;        // values that share a table
  int32_t word_bundles;  // bundles of an index word
  int32_t table_size;    // int16 of a table
  int32_t index_bytes;   // of an index word of 64 lanes
  void (*index)(const SumIndex& job);
  // `bundles` tables of bundle * bundles values.
  void (*tables)(const int16_t* value, int64_t bundles, int16_t* table);
  void (*tile[kSumRows])(const SumTile& tile);  // [rows - 1]
  SumRowKernels rows;
};

extern const SumKernels signed_sums_portable;
#if defined(__x86_64__)
extern const SumKernels signed_sums_avx512;
extern const SumKernels signed_sums_avx2;
#endif

}  // namespace xnorkit
