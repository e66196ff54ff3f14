// Binary convolution with one filter per channel, 128 channels at a time, NEON.
#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/depthwise_kernels.h"
#include "kernels/tail/tail_neon.h"

namespace xnorkit {
namespace {

typedef uint32_t Words __attribute__((vector_size(16)));

#include "kernels/depthwise_binary_conv/count_rows.inc"

// 4 lanes from lane `first`.
inline __attribute__((always_inline)) int32x4_t dots(const CountTile& tile, int first) {
  const uint32_t lanes[4] = {1, 2, 4, 8};
  const uint32x4_t lane = vld1q_u32(lanes);
  int32x4_t dot = vld1q_s32(tile.base + first);
  for (int32_t b = 0; b < tile.digits; ++b) {
    const uint32_t word = tile.source[b * tile.step + first / 32] >> (first % 32);
    const uint32x4_t twice = vandq_u32(vtstq_u32(vdupq_n_u32(word), lane), vdupq_n_u32(2u << b));
    dot = vsubq_s32(dot, vreinterpretq_s32_u32(twice));
  }
  return dot;
}

void to_f32(const CountTile& tile) {
  uint32_t words[1][2] = {};
  for (int first = 0; first < tile.lanes; first += 4) {
    const float32x4_t scaled = vmulq_f32(vcvtq_f32_s32(dots(tile, first)), vld1q_f32(tile.scale + first));
    float32x4_t y[1] = {vaddq_f32(scaled, vld1q_f32(tile.bias + first))};
    words[0][first / 32] |= run_tail<1>(tile.tail, 0, first, tile.channels, y) << (first % 32);
  }
  store_words<1>(tile.tail, tile.channels, words);
}

void to_i32(const CountTile& tile) {
  for (int first = 0; first < tile.lanes; first += 4) {
    int32_t lanes[4];
    vst1q_s32(lanes, dots(tile, first));
    for (int i = 0; i < 4 && first + i < tile.channels; ++i) tile.result[first + i] = lanes[i];
  }
}

}  // namespace

const DepthwiseBinaryKernels depthwise_binary_conv_neon = {"depthwise_binary_conv_128x1_neon", count_row<true>,
                                                           count_row<false>, to_f32, to_i32};

}  // namespace xnorkit
