// From integer sums to results, NEON.
#pragma once

#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/tail/tail_neon.h"

namespace xnorkit {
namespace {

// 16 lanes from lane `first` of pixel p; words get the bits, of the epilogue or the tail.
template <int E>
inline __attribute__((always_inline)) void store_sums(const Int8Tile& tile, int p, int first, const int32x4_t (&sum)[4],
                                                      uint32_t (&words)[2]) {
  uint32_t bits = 0;
  float32x4_t y[4];
  XNORKIT_UNROLL
  for (int n = 0; n < 4; ++n) {
    const int lane = first + 4 * n;
    if (E == kToBits) {
      bits |= lane_bits(vcltq_s32(sum[n], vld1q_s32(tile.limit[p] + lane))) << (4 * n);
    } else if (E == kToF32) {
      y[n] = vmulq_f32(vcvtq_f32_s32(sum[n]), vld1q_f32(tile.scale + lane));
    } else {
      int32_t lanes[4];
      vst1q_s32(lanes, sum[n]);
      for (int i = 0; i < 4 && lane + i < tile.channels; ++i)
        static_cast<int32_t*>(tile.result[p])[lane + i] = lanes[i];
    }
  }
  if (E == kToF32) bits = run_tail<4>(tile.tail, p, first, tile.channels, y);
  words[first / 32] |= bits << (first % 32);
}

// The words of P pixels.
template <int E, int P>
inline __attribute__((always_inline)) void store_sum_words(const Int8Tile& tile, const uint32_t (&words)[P][2]) {
  if (E == kToF32) store_words<P>(tile.tail, tile.channels, words);
  for (int p = 0; E == kToBits && p < P; ++p) {
    for (int i = 0; i < tile.lanes / 32; ++i) static_cast<uint32_t*>(tile.result[p])[i] = words[p][i] ^ tile.flip[p][i];
  }
}

}  // namespace
}  // namespace xnorkit
