// Float convolution, up to 5 pixels x 16 channels in registers, NEON; a block is done 16 lanes at a time, 64 where there
// is one pixel (a linear layer), so that the sums hide the latency of the fused multiply-add. One of these per step and
// channel, in the order of the steps: the accumulation that the reference defines. 20 sums, 4 weights and the values
// fit the 32 registers.
#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_neon.h"

namespace xnorkit {
namespace {

// N registers of 4 lanes from lane `first`; words[p] gets the bits of the tail.
template <int P, int N>
inline __attribute__((always_inline)) void float_conv_lanes(const FloatTile& tile, int first, uint32_t (&words)[P][2]) {
  float32x4_t sum[P][N];
  const float* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) sum[p][n] = vdupq_n_f32(0.0f);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += tile.lanes) {
      float32x4_t w[N];
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) w[n] = vld1q_f32(weight + 4 * n);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const float32x4_t x = vld1q_dup_f32(source[p] + i);
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) sum[p][n] = vfmaq_f32(sum[p][n], x, w[n]);
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int quarter = 0; quarter < N; quarter += 4) {
      const int lane = first + 4 * quarter;
      float32x4_t y[4];
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) y[n] = vaddq_f32(sum[p][quarter + n], vld1q_f32(tile.bias + lane + 4 * n));
      words[p][lane / 32] |= run_tail<4>(tile.tail, p, lane, tile.channels, y) << (lane % 32);
    }
  }
}

template <int P>
void float_conv(const FloatTile& tile) {
  uint32_t words[P][2] = {};
  if (P == 1 && tile.lanes == kBlockLanes) {
    float_conv_lanes<P, P == 1 ? 16 : 4>(tile, 0, words);
  } else {
    for (int first = 0; first < tile.lanes; first += 16) float_conv_lanes<P, 4>(tile, first, words);
  }
  store_words<P>(tile.tail, tile.channels, words);
}

}  // namespace

#define XNORKIT_PIXELS {float_conv<1>, float_conv<2>, float_conv<3>, float_conv<4>, float_conv<5>}
const FloatConvKernels float_conv_neon = {
    "float_conv_5x16_neon", 5, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
