// 8-bit convolution with one filter per channel, up to 4 pixels x 16 channels in registers, NEON. A run is one tap: its
// bytes become 16 bits, and smlal adds their products with weights of 16 bits to lanes of 32.
#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/int8_conv/store_neon.h"

namespace xnorkit {
namespace {

// 8 weights of 32 bits, to 16.
inline __attribute__((always_inline)) int16x8_t narrow(const uint32_t* weight) {
  return vuzp1q_s16(vreinterpretq_s16_u32(vld1q_u32(weight)), vreinterpretq_s16_u32(vld1q_u32(weight + 4)));
}

template <int E, int P>
void depthwise_int8_conv(const Int8Tile& tile) {
  uint32_t words[P][2] = {};
  for (int first = 0; first < tile.lanes; first += 16) {
    int32x4_t sum[P][4];
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) sum[p][n] = vld1q_s32(tile.start + first + 4 * n);
    }
    for (int32_t r = 0; r < tile.run_count; ++r) {
      const int64_t at = int64_t{tile.runs[r].source} + first;
      const uint32_t* weight = tile.weight + static_cast<int64_t>(tile.runs[r].weight) * tile.lanes + first;
      const int16x8_t low = narrow(weight);
      const int16x8_t high = narrow(weight + 8);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const uint8x16_t bytes = vld1q_u8(tile.source[p] + at);
        const int16x8_t u = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes)));
        const int16x8_t v = vreinterpretq_s16_u16(vmovl_high_u8(bytes));
        sum[p][0] = vmlal_s16(sum[p][0], vget_low_s16(u), vget_low_s16(low));
        sum[p][1] = vmlal_high_s16(sum[p][1], u, low);
        sum[p][2] = vmlal_s16(sum[p][2], vget_low_s16(v), vget_low_s16(high));
        sum[p][3] = vmlal_high_s16(sum[p][3], v, high);
      }
    }
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) store_sums<E>(tile, p, first, sum[p], words[p]);
  }
  store_sum_words<E, P>(tile, words);
}

}  // namespace

#define XNORKIT_PIXELS(E) \
  {depthwise_int8_conv<E, 1>, depthwise_int8_conv<E, 2>, depthwise_int8_conv<E, 3>, depthwise_int8_conv<E, 4>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E)}
const Int8ConvKernels depthwise_int8_conv_neon = {
    "depthwise_int8_conv_4x16_neon",
    4,
    kUnsignedBytes,
    {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
