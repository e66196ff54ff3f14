#include "build/arguments.h"

#include <limits>

namespace xnorkit {
namespace {

constexpr double kLargest = std::numeric_limits<float>::max();

// Exact: every float16 is a float32.
float widened(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const float sign = half >> 15 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction ? std::numeric_limits<float>::quiet_NaN() : sign * HUGE_VALF;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

template <class Map>
void check_names(const std::string& op, const char* what, const Map& given, const std::set<std::string>& used) {
  for (const auto& entry : given) {
    if (used.count(entry.first) == 0) {
      fail(op, ": the ", what, " '", entry.first, "' is unknown; required: ", listed(used));
    }
  }
}

}  // namespace

const char* dtype_name(DType type) {
  const char* const names[] = {"float32", "float16", "int32", "uint32", "int8", "uint8"};
  return names[static_cast<int>(type)];
}

size_t dtype_bytes(DType type) {
  const size_t bytes[] = {4, 2, 4, 4, 1, 1};
  return bytes[static_cast<int>(type)];
}

void Arguments::check_inputs(size_t least, size_t most) const {
  if (inputs_.size() >= least && inputs_.size() <= most) return;
  const std::string required = least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
  fail(op_, ": received ", inputs_.size(), " values to read; required ", required);
}

const Attribute& Arguments::attribute(const char* name) {
  const auto found = attributes_.find(name);
  if (found == attributes_.end()) fail(op_, ": the attribute '", name, "' is missing; required: a value for it");
  used_attributes_.insert(name);
  return found->second;
}

int64_t Arguments::integer(const char* name) {
  const auto* value = std::get_if<int64_t>(&attribute(name));
  if (value == nullptr) fail(op_, ": attribute '", name, "' is not an integer; required: one");
  return *value;
}

double Arguments::number(const char* name) {
  const Attribute& given = attribute(name);
  double wide = HUGE_VAL;
  if (const auto* value = std::get_if<double>(&given)) wide = *value;
  if (const auto* value = std::get_if<int64_t>(&given)) wide = static_cast<double>(*value);
  if (!(std::abs(wide) <= kLargest)) fail(op_, ": attribute '", name, "' is not a float32 number; required: one");
  return wide;
}

double Arguments::bound(const char* name, double absent) {
  return std::holds_alternative<std::nullptr_t>(attribute(name)) ? absent : number(name);
}

bool Arguments::flag(const char* name) {
  const auto* value = std::get_if<bool>(&attribute(name));
  if (value == nullptr) fail(op_, ": attribute '", name, "' is not true or false; required: one of them");
  return *value;
}

const std::string& Arguments::text(const char* name) {
  const auto* value = std::get_if<std::string>(&attribute(name));
  if (value == nullptr) fail(op_, ": attribute '", name, "' is not a string; required: one");
  return *value;
}

const std::vector<int64_t>& Arguments::integer_list(const char* name, size_t count) {
  const auto* value = std::get_if<std::vector<int64_t>>(&attribute(name));
  if (value == nullptr || value->size() != count) {
    fail(op_, ": attribute '", name, "' is not a list of ", count, " integers; required: one");
  }
  return *value;
}

Geometry Arguments::window(bool dilated) {
  Geometry g;
  g.kernel = integers<2>("kernel");
  g.stride = integers<2>("stride");
  g.padding = integers<4>("padding");
  if (dilated) g.dilation = integers<2>("dilation");
  return g;
}

const Tensor& Arguments::tensor(const char* role) {
  const auto found = tensors_.find(role);
  if (found == tensors_.end()) fail(op_, ": the tensor '", role, "' is missing; required: values for it");
  used_tensors_.insert(role);
  return found->second;
}

void Arguments::check_shape(const char* role, const std::vector<int64_t>& required) {
  if (shape(role) != required) {
    fail(what(role), " has shape ", shape_text(shape(role)), "; required ", shape_text(required));
  }
}

void Arguments::check_channel_shape(const char* role, const Shape& value) {
  const std::vector<int64_t> per_channel{value.channels};
  const std::vector<int64_t> per_position{value.height, value.width, value.channels};
  if (shape(role) != per_channel && shape(role) != per_position) {
    fail(what(role), " has shape ", shape_text(shape(role)), "; required ", shape_text(per_channel),
         " or, per position, ", shape_text(per_position));
  }
}

std::vector<float> Arguments::finite(const char* role) {
  std::vector<float> result;
  if (tensor(role).type == DType::f16) {
    const std::vector<uint16_t> halves = values<uint16_t>(role, DType::f16);
    result.resize(halves.size());
    std::transform(halves.begin(), halves.end(), result.begin(), widened);
  } else {
    result = values<float>(role, DType::f32);
  }
  check_each(role, result, ": finite values", [](float v) { return std::isfinite(v); });
  return result;
}

std::vector<float> Arguments::ordered(const char* role) {
  return values_where<float>(role, DType::f32, ": no nan", [](float v) { return !std::isnan(v); });
}

std::vector<uint8_t> Arguments::flags(const char* role) {
  return values_where<uint8_t>(role, DType::u8, " 0 or 1", [](uint8_t v) { return v <= 1; });
}

void Arguments::check_used() const {
  check_names(op_, "attribute", attributes_, used_attributes_);
  check_names(op_, "tensor", tensors_, used_tensors_);
}

}  // namespace xnorkit
