// Pack, NEON: 32 channels of a pixel at a time, the last ones one by one.
#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) uint32_t pack_word(const float* x, const float* threshold) {
  const int32_t shifts[4] = {0, 1, 2, 3};
  uint32x4_t bits = vdupq_n_u32(0);
  XNORKIT_UNROLL
  for (int n = 0; n < 8; ++n) {
    const uint32x4_t below = vshrq_n_u32(vcltq_f32(vld1q_f32(x + 4 * n), vld1q_f32(threshold + 4 * n)), 31);
    bits = vorrq_u32(bits, vshlq_u32(below, vdupq_n_s32(4 * n)));
  }
  return vaddvq_u32(vshlq_u32(bits, vld1q_s32(shifts)));
}

}  // namespace

void pack_neon(const PackRow& row) {
  const int64_t words = (row.channels + 31) / 32;
  for (int64_t i = 0; i < row.pixels; ++i) {
    const float* x = row.source + i * row.channels;
    const float* threshold = row.threshold + i * row.threshold_step;
    for (int64_t word = 0; word < words; ++word) {
      const int64_t first = word * 32;
      const int64_t count = row.channels - first;
      uint32_t bits = 0;
      if (count >= 32) {
        bits = pack_word(x + first, threshold + first);
      } else {
        for (int64_t c = 0; c < count; ++c) bits |= static_cast<uint32_t>(x[first + c] < threshold[first + c]) << c;
      }
      row.result[i * words + word] = bits ^ row.flip[i * row.flip_step + word];
    }
  }
}

}  // namespace xnorkit
