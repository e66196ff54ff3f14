// What Program::add was given, looked up by name: every look-up checks its argument, and what no operation looked up is
// refused at the end. Throws std::invalid_argument, whose message begins with the operation.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "build/checks.h"
#include "plan/state.h"

namespace xnorkit {

class Arguments {
 public:
  Arguments(const ProgramState& state, const std::string& op, const std::vector<int>& inputs,
            const Attributes& attributes, const Tensors& tensors)
      : state_(state), op_(op), inputs_(inputs), attributes_(attributes), tensors_(tensors) {}

  const std::string& op() const { return op_; }
  size_t inputs() const { return inputs_.size(); }
  int id(size_t i) const { return inputs_[i]; }

  void check_inputs(size_t least, size_t most) const;

  // The shape of the i-th value that the operation reads, of the required kind, or of any.
  const Shape& input(size_t i, Kind kind) const { return state_.source(op_, inputs_[i], kind); }
  const Shape& input(size_t i) const { return state_.value(op_, inputs_[i]); }

  // A specification of an operation on its only value, its output like its input.
  template <class Spec>
  Spec spec_on(Kind kind) const {
    Spec spec;
    spec.input = spec.output = input(0, kind);
    return spec;
  }

  int64_t integer(const char* name);
  double number(const char* name);                // within float32's range
  double bound(const char* name, double absent);  // null: `absent`
  bool flag(const char* name);
  const std::string& text(const char* name);
  template <size_t N>
  std::array<int64_t, N> integers(const char* name) {
    std::array<int64_t, N> result{};
    const std::vector<int64_t>& list = integer_list(name, N);
    std::copy(list.begin(), list.end(), result.begin());
    return result;
  }

  // kernel, stride and padding, and where they belong to the operation dilation.
  Geometry window(bool dilated);

  bool has_tensor(const char* role) const { return tensors_.count(role) != 0; }
  const std::vector<int64_t>& shape(const char* role) { return tensor(role).shape; }

  void check_shape(const char* role, const std::vector<int64_t>& expected);
  // (C,) or, per position, (H, W, C).
  void check_channel_shape(const char* role, const Shape& shape);

  // A tensor's values, whose shape is already checked.
  template <class T>
  std::vector<T> values(const char* role, DType type) {
    const Tensor& given = tensor(role);
    if (given.type != type) {
      fail(what(role), " has dtype ", dtype_name(given.type), ", but it must be ", dtype_name(type), ".");
    }
    size_t size = 1;
    for (const int64_t length : given.shape) size *= static_cast<size_t>(length);
    std::vector<T> result(size);
    if (size != 0) std::memcpy(result.data(), given.data, size * sizeof(T));
    return result;
  }
  // Values that `fits` holds for; `expected` says which these are.
  template <class T, class Fits>
  std::vector<T> values_where(const char* role, DType type, const char* expected, const Fits& fits) {
    std::vector<T> result = values<T>(role, type);
    check_each(role, result, expected, fits);
    return result;
  }
  std::vector<float> finite(const char* role);  // float32, or float16, which is widened
  std::vector<float> ordered(const char* role);
  std::vector<uint8_t> flags(const char* role);

  // Refuses attributes and tensors that were not looked up.
  void check_used() const;

 private:
  std::string what(const char* role) const { return op_ + ": tensor '" + role + "'"; }
  const Attribute& attribute(const char* name);
  template <class T>
  const T& typed(const char* name, const char* expected);
  const Tensor& tensor(const char* role);
  const std::vector<int64_t>& integer_list(const char* name, size_t count);

  template <class T, class Fits>
  void check_each(const char* role, const std::vector<T>& values, const char* expected, const Fits& fits) const {
    const auto bad = std::find_if_not(values.begin(), values.end(), fits);
    if (bad != values.end()) {
      fail(what(role), " has ", +*bad, " at flat index ", bad - values.begin(), ", but it must hold ", expected, ".");
    }
  }

  const ProgramState& state_;
  const std::string& op_;
  const std::vector<int>& inputs_;
  const Attributes& attributes_;
  const Tensors& tensors_;
  std::set<std::string> used_attributes_;
  std::set<std::string> used_tensors_;
};

}  // namespace xnorkit
