// Images to values with channels innermost, and what is refused in an input.
#pragma once

#include <vector>

#include "xnorkit/program.h"

namespace xnorkit {

// Between pixels and floats; each is empty where it was not given.
struct Normalization {
  std::vector<float> table;  // (C, 256): pixel -> float
  std::vector<float> mean;   // (C,): with std, float -> pixel
  std::vector<float> std;    // (C,)
};

// Refuses words whose padding bits are not 0: they would count as differing bits.
void check_padding_bits(const uint32_t* words, int64_t images, const Shape& shape);

// Refuses NaN and infinity in values (N, H, W, C).
void check_finite_values(const float* values, int64_t images, const Shape& shape);

// Converts images [first, first + count) to shape.kind, f32 or u8; throws std::invalid_argument at NaN or infinity.
void read_images(const Input& input, const Shape& shape, int64_t first, int64_t count,
                 const Normalization& normalization, void* result, int threads);

}  // namespace xnorkit
