#include "kernels/image/image_rows.h"

#include <cmath>
#include <cstring>

namespace xnorkit {
namespace {

// NaN and infinity are the floats whose exponent bits are all set; adding one unit of exponent carries into the sign.
uint32_t overflow_bit(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return ((bits & 0x7fffffffu) + 0x00800000u) & 0x80000000u;
}

}  // namespace

bool image_rows_f32(const float* source, int64_t plane_step, int64_t pixels, int64_t channels, float* result) {
  uint32_t carry = 0;
  for (int64_t c = 0; c < channels; ++c) {
    const float* plane = source + c * plane_step;
    for (int64_t i = 0; i < pixels; ++i) {
      carry |= overflow_bit(plane[i]);
      result[i * channels + c] = plane[i];
    }
  }
  return carry == 0;
}

void image_rows_u8(const uint8_t* source, int64_t plane_step, int64_t pixels, int64_t channels, const float* table,
                   float* result) {
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < pixels; ++i) result[i * channels + c] = table[c * 256 + source[c * plane_step + i]];
}

void image_rows_pixels(const uint8_t* source, int64_t plane_step, int64_t pixels, int64_t channels, uint8_t* result) {
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < pixels; ++i) result[i * channels + c] = source[c * plane_step + i];
}

bool image_rows_quantize(const float* source, int64_t plane_step, int64_t pixels, int64_t channels, const float* mean,
                         const float* std, uint8_t* result) {
  constexpr float kLevel = static_cast<float>(1.0 / 255.0);
  uint32_t carry = 0;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < pixels; ++i) {
      const float x = source[c * plane_step + i];
      carry |= overflow_bit(x);
      const float level = std::nearbyint((x * std[c] + mean[c]) / kLevel);
      result[i * channels + c] = static_cast<uint8_t>(level > 0.0f ? (level < 255.0f ? level : 255.0f) : 0.0f);
    }
  return carry == 0;
}

}  // namespace xnorkit
