// Floats with binary weights, 1 pixel x 64 channels: the weight's bit is xored onto the sign of x.
#include <cstring>

#include "contract/outer_kernels.h"
#include "kernels/tail/tail_portable.h"

namespace xnorkit {
namespace {

// The sign bits of 8 lanes for every byte of weights.
struct Signs {
  uint32_t lane[256][8] = {};

  constexpr Signs() {
    for (uint32_t byte = 0; byte < 256; ++byte)
      for (uint32_t i = 0; i < 8; ++i) lane[byte][i] = byte >> i << 31;
  }
};

constexpr Signs kSigns;

// sum[i] += x, or -x where bit i of `byte` is set.
inline void add_signed(uint32_t x, uint32_t byte, float* sum) {
  uint32_t bits[8];
  float values[8];
  for (int i = 0; i < 8; ++i) bits[i] = x ^ kSigns.lane[byte][i];
  std::memcpy(values, bits, sizeof values);
  for (int i = 0; i < 8; ++i) sum[i] += values[i];
}

void binary_weight_conv(const BinaryWeightTile& tile) {
  float sum[kBlockLanes] = {};
  const int32_t halves = tile.lanes / 16;
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint16_t* weight = tile.weight + static_cast<int64_t>(run.weight) * halves;
    for (int32_t i = 0; i < run.length; ++i, weight += halves) {
      uint32_t x;
      std::memcpy(&x, tile.source[0] + run.source + i, sizeof x);
      for (int32_t half = 0; half < halves; ++half) {
        add_signed(x, weight[half] & 0xffu, sum + 16 * half);
        add_signed(x, weight[half] >> 8, sum + 16 * half + 8);
      }
    }
  }
  uint32_t words[2] = {};
  for (int32_t lane = 0; lane < tile.channels; ++lane) {
    const float scaled = sum[lane] * tile.scale[lane];
    run_tail(tile.tail, 0, lane, scaled + tile.bias[lane], words);
  }
  store_words(tile.tail, tile.channels, words);
}

}  // namespace

const BinaryWeightConvKernels binary_weight_conv_portable = {
    "binary_weight_conv_1x64_portable",
    1,
    {{binary_weight_conv}, {binary_weight_conv}, {binary_weight_conv}, {binary_weight_conv}}};

}  // namespace xnorkit
