// Images (C, H, W) to values (H, W, C): the same on every instruction set.
#pragma once

#include <cstdint>

namespace xnorkit {

// Copies `pixels` pixels from the planes of an image, each plane_step elements after the other, to channels innermost.
// Returns false where one is NaN or infinite.
bool image_rows_f32(const float* source, int64_t plane_step, int64_t pixels, int64_t channels, float* result);

// The same through a table (channels, 256).
void image_rows_u8(const uint8_t* source, int64_t plane_step, int64_t pixels, int64_t channels, const float* table,
                   float* result);

// Copies pixels as they are.
void image_rows_pixels(const uint8_t* source, int64_t plane_step, int64_t pixels, int64_t channels, uint8_t* result);

// Normalised floats back to pixels: clamp(rint((x * std[c] + mean[c]) / (1 / 255)), 0, 255), each step rounded to
// float32, halves to even, as the training does it. Returns false where an x is NaN or infinite; its pixel is then unspecified.
bool image_rows_quantize(const float* source, int64_t plane_step, int64_t pixels, int64_t channels, const float* mean,
                         const float* std, uint8_t* result);

}  // namespace xnorkit
