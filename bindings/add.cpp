#include "add.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"

namespace xnorkit::bindings {
namespace {

Attribute attribute_of(const std::string& what, nb::handle value) {
  if (value.is_none()) return nullptr;
  // In this order: True is an integer of Python, and an integer would do as a number.
  bool flag;
  int64_t integer;
  double number;
  std::string text;
  std::vector<int64_t> list;
  if (nb::try_cast(value, flag, false)) return flag;
  if (nb::try_cast(value, integer, false)) return integer;
  if (nb::try_cast(value, number, false)) return number;
  if (nb::try_cast(value, text, false)) return text;
  if (nb::try_cast(value, list, false)) return list;
  const std::string type = nb::type_name(value.type()).c_str();
  throw std::invalid_argument(
      what + " has type " + type +
      ", but it must be None, a bool, an integer of 64 bits, a float, a string or a list of integers.");
}

DType dtype_of(const std::string& what, nb::dlpack::dtype type) {
  if (type == nb::dtype<float>()) return DType::f32;
  if (type == nb::dtype<int32_t>()) return DType::i32;
  if (type == nb::dtype<uint32_t>()) return DType::u32;
  if (type == nb::dtype<int8_t>()) return DType::i8;
  if (type == nb::dtype<uint8_t>()) return DType::u8;
  if (type_name(type) == "float16") return DType::f16;
  fail_type(what, type, "float32, float16, int32, uint32, int8 or uint8");
}

}  // namespace

int add(Program& program, const std::string& op, const std::vector<int>& inputs, const nb::dict& attributes,
        const nb::dict& tensors) {
  Attributes values;
  for (const auto [key, value] : attributes) {
    const auto name = nb::cast<std::string>(key);
    values.emplace(name, attribute_of(op + ": attribute '" + name + "'", value));
  }
  Tensors arrays;
  std::vector<nb::ndarray<nb::ro>> owners;
  for (const auto [key, value] : tensors) {
    const auto role = nb::cast<std::string>(key);
    const std::string what = op + ": tensor '" + role + "'";
    const auto& owner = owners.emplace_back(contiguous(value, what));
    arrays.emplace(role, Tensor{dtype_of(what, owner.dtype()), shape_of(owner), owner.data()});
  }
  return program.add(op, inputs, values, arrays);
}

}  // namespace xnorkit::bindings
