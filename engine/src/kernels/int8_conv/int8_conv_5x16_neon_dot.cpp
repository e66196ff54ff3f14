// 8-bit convolution, up to 5 pixels x 16 channels in registers, NEON with dot products: sdot adds the products of 4
// values and 4 weights to a 32-bit lane. A block is done 16 lanes at a time, 64 where there is one pixel.
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

// N registers of 4 lanes from lane `first`.
template <int E, int P, int N>
inline __attribute__((always_inline)) void int8_conv_lanes(const Int8Tile& tile, int first, uint32_t (&words)[P][2]) {
  const uint8_t* source[P];
  int32x4_t sum[P][N / 4][4];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) sum[p][n / 4][n % 4] = vld1q_s32(tile.start + first + 4 * n);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const int64_t end = run.source + int64_t{4} * run.length;
    for (int64_t i = run.source; i < end; i += 4, weight += tile.lanes) {
      int8x16_t w[N];
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) w[n] = vreinterpretq_s8_u32(vld1q_u32(weight + 4 * n));
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const int8x16_t u = broadcast(source[p] + i);
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) sum[p][n / 4][n % 4] = vdotq_s32(sum[p][n / 4][n % 4], w[n], u);
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < N / 4; ++n) store_sums<E>(tile, p, first + 16 * n, sum[p][n], words[p]);
  }
}

template <int E, int P>
void int8_conv(const Int8Tile& tile) {
  uint32_t words[P][2] = {};
  if (P == 1 && tile.lanes == kBlockLanes) {
    int8_conv_lanes<E, P, P == 1 ? 16 : 4>(tile, 0, words);
  } else {
    for (int first = 0; first < tile.lanes; first += 16) int8_conv_lanes<E, P, 4>(tile, first, words);
  }
  store_sum_words<E, P>(tile, words);
}

}  // namespace

#define XNORKIT_PIXELS(E) {int8_conv<E, 1>, int8_conv<E, 2>, int8_conv<E, 3>, int8_conv<E, 4>, int8_conv<E, 5>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E)}
const Int8ConvKernels int8_conv_neon_dot = {
    "int8_conv_5x16_neon_dot", 5, kSignedBytes, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
