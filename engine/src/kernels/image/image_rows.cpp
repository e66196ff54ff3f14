#include "kernels/image/image_rows.h"

#include <cstring>

namespace xnorkit {

// NaN and infinity are the floats whose exponent bits are all set; adding one unit of exponent carries into the sign.
bool image_rows_f32(const float* source, int64_t plane_step, int64_t pixels, int64_t channels, float* result) {
  uint32_t carry = 0;
  for (int64_t c = 0; c < channels; ++c) {
    const float* plane = source + c * plane_step;
    for (int64_t i = 0; i < pixels; ++i) {
      uint32_t bits;
      std::memcpy(&bits, plane + i, sizeof bits);
      carry |= (bits & 0x7fffffffu) + 0x00800000u;
      result[i * channels + c] = plane[i];
    }
  }
  return (carry & 0x80000000u) == 0;
}

void image_rows_u8(const uint8_t* source, int64_t plane_step, int64_t pixels, int64_t channels, const float* table,
                   float* result) {
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < pixels; ++i) result[i * channels + c] = table[c * 256 + source[c * plane_step + i]];
}

}  // namespace xnorkit
