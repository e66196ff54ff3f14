// Floats with binary weights, 1 pixel x 64 channels: the weight's bit is xored onto the sign of x.
#include <cstring>

#include "dispatch/end_kernels.h"
#include "kernels/tail/tail_portable.h"

namespace xnorkit {
namespace {

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
        for (int32_t lane = 0; lane < 16; ++lane) {
          const uint32_t bits = x ^ (weight[half] & (1u << lane) ? 0x80000000u : 0u);
          float value;
          std::memcpy(&value, &bits, sizeof value);
          sum[16 * half + lane] += value;
        }
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
    "binary_weight_conv_1x64_portable", 1, {{binary_weight_conv}, {binary_weight_conv}, {binary_weight_conv}, {binary_weight_conv}}};

}  // namespace xnorkit
