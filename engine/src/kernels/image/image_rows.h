// Images (C, H, W) to float values (H, W, C): the same on every instruction set.
#pragma once

#include <cstdint>

namespace xnorkit {

// Copies `pixels` pixels from the planes of an image, each plane_step elements after the other, to channels innermost.
// Returns false where one is NaN or infinite.
bool image_rows_f32(const float* source, int64_t plane_step, int64_t pixels, int64_t channels, float* result);

// The same through a table (channels, 256).
void image_rows_u8(const uint8_t* source, int64_t plane_step, int64_t pixels, int64_t channels, const float* table,
                   float* result);

}  // namespace xnorkit
