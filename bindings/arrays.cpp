#include "arrays.h"

#include <new>
#include <stdexcept>

namespace xnorkit::bindings {
namespace {

// Uninitialised memory for `shape`, owned by the array.
template <class T>
Result allocate(std::initializer_list<size_t> shape) {
  size_t count = 1;
  for (const size_t length : shape) count *= length;
  T* data = new T[count];
  nb::capsule owner(data, [](void* memory) noexcept { delete[] static_cast<T*>(memory); });
  return {nb::cast(nb::ndarray<nb::numpy, T>(data, shape, owner)), data};
}

}  // namespace

nb::ndarray<nb::ro> contiguous(nb::handle object, const std::string& what) {
  nb::ndarray<nb::ro> array;
  if (!nb::try_cast(object, array, false)) {
    const std::string type = nb::type_name(object.type()).c_str();
    throw std::invalid_argument(what + " has type " + type + ", but it must be a NumPy array of native byte order.");
  }
  if (array.device_type() != nb::device::cpu::value) {
    throw std::invalid_argument(what + " is on another device, but it must be on the CPU.");
  }
  int64_t expected = 1;
  bool packed = true;
  for (size_t i = array.ndim(); i-- > 0;) {
    packed = packed && (array.shape(i) == 1 || array.stride(i) == expected);
    expected *= static_cast<int64_t>(array.shape(i));
  }
  if (!packed && expected != 0) {
    throw std::invalid_argument(what + " is not C-contiguous, but it must be. Use numpy.ascontiguousarray.");
  }
  return array;
}

std::string type_name(nb::dlpack::dtype type) {
  const char* codes[] = {"int", "uint", "float"};
  const auto code = static_cast<size_t>(type.code);
  if (type.code == static_cast<uint8_t>(nb::dlpack::dtype_code::Bool)) return "bool";
  return (code < 3 ? codes[code] : "type code " + std::to_string(code) + " of bits ") + std::to_string(type.bits);
}

void fail_type(const std::string& what, nb::dlpack::dtype received, const std::string& expected) {
  throw std::invalid_argument(what + " has dtype " + type_name(received) + ", but it must be " + expected + ".");
}

std::vector<int64_t> shape_of(const nb::ndarray<nb::ro>& array) {
  std::vector<int64_t> shape;
  for (size_t i = 0; i < array.ndim(); ++i) shape.push_back(static_cast<int64_t>(array.shape(i)));
  return shape;
}

Result new_result(const Shape& shape, int64_t images) {
  const auto n = static_cast<size_t>(images);
  const auto h = static_cast<size_t>(shape.height);
  const auto w = static_cast<size_t>(shape.width);
  const auto elements = static_cast<size_t>(shape.pixel_elements());
  if (shape.kind == Kind::f32) return allocate<float>({n, h, w, elements});
  if (shape.kind == Kind::bits) return allocate<uint32_t>({n, h, w, elements});
  if (shape.kind == Kind::planes) return allocate<float>({n, elements, h, w});
  if (shape.kind == Kind::u8) return allocate<uint8_t>({n, h, w, elements});
  return allocate<int32_t>({n, h, w, elements});
}

}  // namespace xnorkit::bindings
