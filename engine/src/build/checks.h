// What every building method requires of its arguments; each throws std::invalid_argument.
#pragma once

#include <algorithm>
#include <cmath>
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

// For operations that know no groups.
void check_one_group(const std::string& what, const Geometry& geometry);

// Refuses impossible numbers, then returns the output's height and width; `what` names the operation.
Shape window_output(const std::string& what, const Shape& input, const Geometry& geometry, Kind kind, int64_t channels);

template <class T>
void check_shape(const std::string& what, const Array<T>& array, const std::vector<int64_t>& required) {
  if (array.shape != required) {
    fail(what, " has shape ", shape_text(array.shape), "; required ", shape_text(required));
  }
}

// Shape (C,) or, per position, (H, W, C).
template <class T>
void check_channel_shape(const std::string& what, const Array<T>& array, const Shape& shape) {
  const std::vector<int64_t> per_channel{shape.channels};
  const std::vector<int64_t> per_position{shape.height, shape.width, shape.channels};
  if (array.shape != per_channel && array.shape != per_position) {
    fail(what, " has shape ", shape_text(array.shape), "; required ", shape_text(per_channel), " or, per position, ",
         shape_text(per_position));
  }
}

template <class T>
std::vector<T> copy(const Array<T>& array) {
  size_t size = 1;
  for (const int64_t length : array.shape) size *= static_cast<size_t>(length);
  return std::vector<T>(array.data, array.data + size);
}

// A copy of values that `fits` holds for.
template <class T, class Fits>
std::vector<T> copy_where(const std::string& what, const Array<T>& array, const char* required, const Fits& fits) {
  std::vector<T> values = copy(array);
  const auto bad = std::find_if_not(values.begin(), values.end(), fits);
  if (bad != values.end()) fail(what, " has ", +*bad, " at flat index ", bad - values.begin(), "; required", required);
  return values;
}

inline std::vector<float> copy_finite(const std::string& what, const Array<float>& array) {
  return copy_where(what, array, ": finite values", [](float v) { return std::isfinite(v); });
}

inline std::vector<float> copy_ordered(const std::string& what, const Array<float>& array) {
  std::vector<float> values = copy(array);
  const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return std::isnan(v); });
  if (bad != values.end()) fail(what, " has nan at flat index ", bad - values.begin(), "; required: no nan");
  return values;
}

inline std::vector<uint8_t> copy_flags(const std::string& what, const Array<uint8_t>& array) {
  return copy_where(what, array, " 0 or 1", [](uint8_t v) { return v <= 1; });
}

}  // namespace xnorkit
