// Binary convolution with one filter per channel, 128 channels at a time, in the vectors of the baseline.
#include "common/unroll.h"
#include "contract/depthwise_kernels.h"
#include "kernels/tail/tail_portable.h"

namespace xnorkit {
namespace {

typedef uint32_t Words __attribute__((vector_size(16)));

#include "kernels/depthwise_binary_conv/count_rows.inc"

inline int32_t dot(const CountTile& tile, int32_t lane) {
  int32_t count = 0;
  for (int32_t b = 0; b < tile.digits; ++b) {
    count += static_cast<int32_t>(tile.source[b * tile.step + lane / 32] >> (lane % 32) & 1u) << b;
  }
  return tile.base[lane] - 2 * count;
}

void to_f32(const CountTile& tile) {
  uint32_t words[2] = {};
  for (int32_t lane = 0; lane < tile.channels; ++lane) {
    const float scaled = static_cast<float>(dot(tile, lane)) * tile.scale[lane];
    run_tail(tile.tail, 0, lane, scaled + tile.bias[lane], words);
  }
  store_words(tile.tail, tile.channels, words);
}

void to_i32(const CountTile& tile) {
  for (int32_t lane = 0; lane < tile.channels; ++lane) tile.result[lane] = dot(tile, lane);
}

}  // namespace

const DepthwiseBinaryKernels depthwise_binary_conv_portable = {"depthwise_binary_conv_128x1_portable", count_row<true>,
                                                               count_row<false>, to_f32, to_i32};

}  // namespace xnorkit
