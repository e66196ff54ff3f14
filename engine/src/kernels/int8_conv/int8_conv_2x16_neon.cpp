// 8-bit convolution, up to 2 pixels x 16 channels in registers, NEON without dot products: smull makes 8 products of 16
// bits, at most 2^14 each, and sadalp adds neighbours to lanes of 32 bits. Two lanes hold the halves of a channel's sum,
// which meet at the end.
#include <arm_neon.h>

#include <cstring>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/int8_conv/store_neon.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) int8x16_t broadcast(const uint8_t* bytes) {
  int32_t step;
  std::memcpy(&step, bytes, sizeof step);
  return vreinterpretq_s8_s32(vdupq_n_s32(step));
}

template <int E, int P>
inline __attribute__((always_inline)) void int8_conv_16(const Int8Tile& tile, int first, uint32_t (&words)[P][2]) {
  const uint8_t* source[P];
  int32x4_t half[P][8];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < 8; ++n) half[p][n] = vdupq_n_s32(0);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const int64_t end = run.source + int64_t{4} * run.length;
    for (int64_t i = run.source; i < end; i += 4, weight += tile.lanes) {
      int8x16_t w[4];
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) w[n] = vreinterpretq_s8_u32(vld1q_u32(weight + 4 * n));
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const int8x16_t u = broadcast(source[p] + i);
        XNORKIT_UNROLL
        for (int n = 0; n < 4; ++n) {
          half[p][2 * n] = vpadalq_s16(half[p][2 * n], vmull_s8(vget_low_s8(u), vget_low_s8(w[n])));
          half[p][2 * n + 1] = vpadalq_s16(half[p][2 * n + 1], vmull_high_s8(u, w[n]));
        }
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    int32x4_t sum[4];
    XNORKIT_UNROLL
    for (int n = 0; n < 4; ++n) {
      sum[n] = vaddq_s32(vld1q_s32(tile.start + first + 4 * n), vpaddq_s32(half[p][2 * n], half[p][2 * n + 1]));
    }
    store_sums<E>(tile, p, first, sum, words[p]);
  }
}

template <int E, int P>
void int8_conv(const Int8Tile& tile) {
  uint32_t words[P][2] = {};
  for (int first = 0; first < tile.lanes; first += 16) int8_conv_16<E, P>(tile, first, words);
  store_sum_words<E, P>(tile, words);
}

}  // namespace

#define XNORKIT_PIXELS(E) {int8_conv<E, 1>, int8_conv<E, 2>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E)}
const Int8ConvKernels int8_conv_neon = {
    "int8_conv_2x16_neon", 2, kSignedBytes, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
