// NumPy arrays to the engine's views and back.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <string>
#include <vector>

#include "xnorkit/types.h"

namespace xnorkit::bindings {

namespace nb = nanobind;

// Any array on the CPU that is C-contiguous; ValueError, which names the argument, otherwise.
nb::ndarray<nb::ro> contiguous(nb::handle object, const std::string& what);

// As above, and of exactly one type; keeps the array alive with the view.
template <class T>
struct Argument {
  nb::ndarray<nb::ro> owner;
  Array<T> array;
};

[[noreturn]] void fail_type(const std::string& what, nb::dlpack::dtype received, const std::string& expected);

std::string type_name(nb::dlpack::dtype type);

std::vector<int64_t> shape_of(const nb::ndarray<nb::ro>& array);

template <class T>
Argument<T> argument(nb::handle object, const std::string& what) {
  nb::ndarray<nb::ro> owner = contiguous(object, what);
  if (owner.dtype() != nb::dtype<T>()) fail_type(what, owner.dtype(), type_name(nb::dtype<T>()));
  Array<T> array{static_cast<const T*>(owner.data()), shape_of(owner)};
  return {std::move(owner), std::move(array)};
}

// A new NumPy array of a value of `images` images.
struct Result {
  nb::object array;
  void* data;
};
Result new_result(const Shape& shape, int64_t images);

}  // namespace xnorkit::bindings
