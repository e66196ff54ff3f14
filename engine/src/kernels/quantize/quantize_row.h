// Floats to 8 bits: the same on every instruction set.
#pragma once

#include <cstdint>

namespace xnorkit {

// u = clamp(rint(x / scale) + zero_point, 0, 255) of `count` values; a NaN becomes 0.
void quantize_row(const float* source, int64_t count, float scale, uint8_t zero_point, uint8_t* result);

}  // namespace xnorkit
