// Floats with binary weights, up to 4 pixels x 16 channels in registers, NEON; a block is done 16 lanes at a time, 64
// where there is one pixel. A lane's bit is shifted to the sign of 1.0, once for all pixels; fma(x, +-1, sum) rounds
// sum +- x once, as an addition or subtraction does.
#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/tail/tail_neon.h"

namespace xnorkit {
namespace {

// Lane i: +1, or -1 where bit 31 - to_sign[i] is set.
inline __attribute__((always_inline)) float32x4_t signed_one(uint32x4_t bits, int32x4_t to_sign) {
  return vbslq_f32(vdupq_n_u32(0x80000000u), vreinterpretq_f32_u32(vshlq_u32(bits, to_sign)), vdupq_n_f32(1.0f));
}

// H quarters of 16 lanes from lane `first`; words[p] gets the bits of the tail.
template <int P, int H>
inline __attribute__((always_inline)) void binary_weight_lanes(const BinaryWeightTile& tile, int first,
                                                               uint32_t (&words)[P][2]) {
  const int32_t shifts[4] = {31, 30, 29, 28};
  const int quarters = tile.lanes / 16;
  int32x4_t to_sign[4];
  XNORKIT_UNROLL
  for (int n = 0; n < 4; ++n) {
    to_sign[n] = vsubq_s32(vld1q_s32(shifts), vdupq_n_s32(4 * n));
    asm("" : "+w"(to_sign[n]));  // else the compiler reads the constant again in every step
  }
  float32x4_t sum[P][4 * H];
  const float* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < 4 * H; ++n) sum[p][n] = vdupq_n_f32(0.0f);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint16_t* weight = tile.weight + static_cast<int64_t>(run.weight) * quarters + first / 16;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += quarters) {
      XNORKIT_UNROLL
      for (int quarter = 0; quarter < H; ++quarter) {
        const uint32x4_t bits = vdupq_n_u32(weight[quarter]);
        float32x4_t w[4];
        XNORKIT_UNROLL
        for (int n = 0; n < 4; ++n) w[n] = signed_one(bits, to_sign[n]);
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) {
          const float32x4_t x = vld1q_dup_f32(source[p] + i);
          XNORKIT_UNROLL
          for (int n = 0; n < 4; ++n) sum[p][4 * quarter + n] = vfmaq_f32(sum[p][4 * quarter + n], x, w[n]);
        }
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int quarter = 0; quarter < H; ++quarter) {
      const int lane = first + 16 * quarter;
      float32x4_t y[4];
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) {
        const float32x4_t scaled = vmulq_f32(sum[p][4 * quarter + n], vld1q_f32(tile.scale + lane + 4 * n));
        y[n] = vaddq_f32(scaled, vld1q_f32(tile.bias + lane + 4 * n));
      }
      words[p][lane / 32] |= run_tail<4>(tile.tail, p, lane, tile.channels, y) << (lane % 32);
    }
  }
}

template <int P>
void binary_weight_conv(const BinaryWeightTile& tile) {
  uint32_t words[P][2] = {};
  if (P == 1 && tile.lanes == kBlockLanes) {
    binary_weight_lanes<P, P == 1 ? 4 : 1>(tile, 0, words);
  } else {
    for (int first = 0; first < tile.lanes; first += 16) binary_weight_lanes<P, 1>(tile, first, words);
  }
  store_words<P>(tile.tail, tile.channels, words);
}

}  // namespace

#define XNORKIT_PIXELS {binary_weight_conv<1>, binary_weight_conv<2>, binary_weight_conv<3>, binary_weight_conv<4>}
const BinaryWeightConvKernels binary_weight_conv_neon = {
    "binary_weight_conv_4x16_neon", 4, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
