// The kernels of binary convolutions with one filter per channel; the rules of kernels.h hold here too.
#pragma once

#include <cstdint>

#include "contract/kernels.h"

namespace xnorkit {

// Words that are counted at once; rows are filled up to a multiple.
constexpr int kRowWords = 16;

// Taps up to here have counts below 2^4, others, at most kMaxCountedTaps, below 2^7. One more than the taps fits too.
constexpr int kNineTaps = 9;
constexpr int kFewDigits = 4;
constexpr int kMaxDigits = 7;
constexpr int kMaxCountedTaps = 126;

// One output row. Bit i of a word of digit b is bit b of the number of taps where channel i's value and weight differ.
struct CountRow {
  const uint32_t* const* source;  // per tap: the words that meet the row's
  const uint32_t* weight;         // [vector of the period][tap][kRowWords]
  int32_t taps;
  int32_t period;   // vectors after which the channels begin anew
  int32_t vectors;  // of kRowWords
  int64_t step;     // words from one digit to the next
  // To bits: bit = (count >= m) xor flip.
  const uint32_t* limit;  // [digit][word]: the complement of m's bits
  const uint32_t* flip;   // [word]
  uint32_t* result;       // bits: [word]; counts: [digit][word]
};

using CountRowKernel = void (*)(const CountRow&);

// One pixel of counts times one block of channels: dot = base - 2 * count.
struct CountTile {
  const uint32_t* source;  // digit 0's word of the block's first channel
  int64_t step;            // words from one digit to the next
  int32_t digits;
  int32_t lanes;  // 16, 32, 48 or 64
  int32_t channels;
  const int32_t* base;  // [lane]
  int32_t* result;      // to i32: the block's first channel
  const float* scale;   // to f32: [lane]
  const float* bias;    // to f32: [lane]
  Tail tail;            // to f32: y = float(dot) * scale + bias, two roundings, then the tail
};

using CountTileKernel = void (*)(const CountTile&);

struct DepthwiseBinaryKernels {
  const char* name;
  CountRowKernel bits;
  CountRowKernel counts;
  CountTileKernel to_f32;
  CountTileKernel to_i32;
};

extern const DepthwiseBinaryKernels depthwise_binary_conv_portable;
#if defined(__x86_64__)
extern const DepthwiseBinaryKernels depthwise_binary_conv_avx512;
extern const DepthwiseBinaryKernels depthwise_binary_conv_avx2;
#elif defined(__aarch64__)
extern const DepthwiseBinaryKernels depthwise_binary_conv_neon;
#endif

}  // namespace xnorkit
