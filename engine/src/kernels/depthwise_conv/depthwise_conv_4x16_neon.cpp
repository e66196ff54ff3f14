// Float convolution with one filter per channel, up to 4 pixels x 16 channels in registers, NEON. A run is one tap: its
// values of all channels meet its weights of all channels.
#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_neon.h"

namespace xnorkit {
namespace {

// Whole: all 16 lanes have a channel; else values are loaded for those that have.
template <bool Whole, int P>
inline __attribute__((always_inline)) void depthwise_conv_16(const FloatTile& tile, int first,
                                                             uint32_t (&words)[P][2]) {
  const int32_t channels = tile.channels - first;
  float32x4_t sum[P][4];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < 4; ++n) sum[p][n] = vdupq_n_f32(0.0f);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    XNORKIT_UNROLL
    for (int n = 0; n < 4; ++n) {
      const float32x4_t w = vld1q_f32(weight + 4 * n);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const float* x = tile.source[p] + run.source + first + 4 * n;
        sum[p][n] = vfmaq_f32(sum[p][n], Whole ? vld1q_f32(x) : load_lanes(x, channels - 4 * n), w);
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < 4; ++n) sum[p][n] = vaddq_f32(sum[p][n], vld1q_f32(tile.bias + first + 4 * n));
    words[p][first / 32] |= run_tail<4>(tile.tail, p, first, tile.channels, sum[p]) << (first % 32);
  }
}

template <int P>
void depthwise_conv(const FloatTile& tile) {
  uint32_t words[P][2] = {};
  int first = 0;
  for (; first + 16 <= tile.channels; first += 16) depthwise_conv_16<true, P>(tile, first, words);
  if (first < tile.lanes) depthwise_conv_16<false, P>(tile, first, words);
  store_words<P>(tile.tail, tile.channels, words);
}

}  // namespace

#define XNORKIT_PIXELS {depthwise_conv<1>, depthwise_conv<2>, depthwise_conv<3>, depthwise_conv<4>}
const FloatConvKernels depthwise_conv_neon = {
    "depthwise_conv_4x16_neon", 4, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
