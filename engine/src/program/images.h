// The input of a program: checks, and images to float values with channels innermost.
#pragma once

#include <vector>

#include "xnorkit/program.h"

namespace xnorkit {

// Refuses words whose padding bits are not 0: they would count as differing bits.
void check_padding_bits(const uint32_t* words, int64_t images, const Shape& shape);

// Converts images [first, first + count); throws std::invalid_argument at NaN or infinity. table: (C, 256), for uint8.
void read_images(const Input& input, const Shape& shape, int64_t first, int64_t count, const std::vector<float>& table,
                 float* result, int threads);

}  // namespace xnorkit
