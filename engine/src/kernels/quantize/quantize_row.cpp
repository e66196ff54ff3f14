#include "kernels/quantize/quantize_row.h"

namespace xnorkit {

// Both limits are integers, so clamping before rounding gives what clamping after it would. Within +-255, adding and
// subtracting 1.5 * 2^23 rounds to the nearest integer, halves to even: floats of that size are spaced 1 apart.
void quantize_row(const float* source, int64_t count, float scale, uint8_t zero_point, uint8_t* result) {
  constexpr float kRound = 12582912.0f;
  const float low = -static_cast<float>(zero_point);
  const float high = 255.0f - static_cast<float>(zero_point);
  for (int64_t i = 0; i < count; ++i) {
    const float level = source[i] / scale;
    const float above = level > low ? level : low;
    const float inside = above < high ? above : high;
    result[i] = static_cast<uint8_t>(static_cast<int32_t>(inside + kRound - kRound) + zero_point);
  }
}

}  // namespace xnorkit
