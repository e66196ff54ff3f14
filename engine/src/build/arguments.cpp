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

// An attribute's value for a message.
const char* kind_of(const Attribute& value) {
  const char* const names[] = {"null", "a boolean", "an integer", "a number", "a string", "a list of integers"};
  return names[value.index()];
}

template <class Map>
void check_names(const std::string& op, const char* what, const Map& given, const std::set<std::string>& used) {
  std::string names;
  for (const std::string& name : used) names += (names.empty() ? "the keys must be " : ", ") + name;
  for (const auto& entry : given) {
    if (used.count(entry.first) == 0) {
      fail(op, ": ", what, ": '", entry.first, "' is unknown, but ", names.empty() ? "there must be no keys" : names,
           ".");
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
  const std::string count =
      least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
  fail(op_, ": 'inputs' names ", inputs_.size(), " values, but it must name ", count, ".");
}

const Attribute& Arguments::attribute(const char* name) {
  const auto found = attributes_.find(name);
  if (found == attributes_.end()) fail(op_, ": attributes: '", name, "' is missing, but it must be given.");
  used_attributes_.insert(name);
  return found->second;
}

template <class T>
const T& Arguments::typed(const char* name, const char* expected) {
  const Attribute& given = attribute(name);
  const auto* value = std::get_if<T>(&given);
  if (value == nullptr) fail(op_, ": attribute '", name, "' is ", kind_of(given), ", but it must be ", expected, ".");
  return *value;
}

int64_t Arguments::integer(const char* name) { return typed<int64_t>(name, "an integer"); }

double Arguments::number(const char* name) {
  const Attribute& given = attribute(name);
  const auto* integer = std::get_if<int64_t>(&given);
  const double wide = integer == nullptr ? typed<double>(name, "a float32 number") : static_cast<double>(*integer);
  if (!(std::abs(wide) <= kLargest)) {
    fail(op_, ": attribute '", name, "' is ", wide, ", but it must be a float32 number.");
  }
  return wide;
}

double Arguments::bound(const char* name, double absent) {
  return std::holds_alternative<std::nullptr_t>(attribute(name)) ? absent : number(name);
}

bool Arguments::flag(const char* name) { return typed<bool>(name, "true or false"); }

const std::string& Arguments::text(const char* name) { return typed<std::string>(name, "a string"); }

const std::vector<int64_t>& Arguments::integer_list(const char* name, size_t count) {
  const auto& value = typed<std::vector<int64_t>>(name, "a list of integers");
  if (value.size() != count) {
    fail(op_, ": attribute '", name, "' has ", value.size(), " integers, but it must have ", count, ".");
  }
  return value;
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
  if (found == tensors_.end()) fail(op_, ": tensors: '", role, "' is missing, but it must be given.");
  used_tensors_.insert(role);
  return found->second;
}

void Arguments::check_shape(const char* role, const std::vector<int64_t>& expected) {
  if (shape(role) != expected) {
    fail(what(role), " has shape ", shape_text(shape(role)), ", but it must be ", shape_text(expected), ".");
  }
}

void Arguments::check_channel_shape(const char* role, const Shape& value) {
  const std::vector<int64_t> per_channel{value.channels};
  const std::vector<int64_t> per_position{value.height, value.width, value.channels};
  if (shape(role) != per_channel && shape(role) != per_position) {
    fail(what(role), " has shape ", shape_text(shape(role)), ", but it must be ", shape_text(per_channel), " or ",
         shape_text(per_position), ".");
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
  check_each(role, result, "finite numbers", [](float v) { return std::isfinite(v); });
  return result;
}

std::vector<float> Arguments::ordered(const char* role) {
  return values_where<float>(role, DType::f32, "numbers or infinities, not NaN",
                             [](float v) { return !std::isnan(v); });
}

std::vector<uint8_t> Arguments::flags(const char* role) {
  return values_where<uint8_t>(role, DType::u8, "nothing but 0 and 1", [](uint8_t v) { return v <= 1; });
}

void Arguments::check_used() const {
  check_names(op_, "attributes", attributes_, used_attributes_);
  check_names(op_, "tensors", tensors_, used_tensors_);
}

}  // namespace xnorkit
