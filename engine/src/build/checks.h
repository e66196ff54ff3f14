// What operations require of their sizes; each throws std::invalid_argument.
#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "xnorkit/types.h"

namespace xnorkit {

// Steps of a filter. A dot product then stays within 2^24, exact in int32 and in float32.
constexpr int64_t kMaxFilter = int64_t{1} << 24;
// Elements of one image of a value, and of arranged weights: offsets fit int32.
constexpr int64_t kMaxElements = (int64_t{1} << 31) - 1;

void check_size(const std::string& what, int64_t size);

// Refuses an image whose value would not fit.
void check_shape_size(const std::string& what, const Shape& shape);

// Refuses packed filters of `bits` bits each whose padding bits are not 0.
void check_filter_padding(const std::string& what, const std::vector<uint8_t>& weight, int64_t filters, int64_t bits);

// Refuses impossible numbers, then returns the output's height and width; `what` names the operation.
Shape window_output(const std::string& what, const Shape& input, const Geometry& geometry, Kind kind, int64_t channels);

}  // namespace xnorkit
