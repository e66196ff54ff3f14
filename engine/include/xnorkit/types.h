// Shapes, geometry and array views that the engine's interface speaks in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace xnorkit {

// What the elements of a value are: float32, one bit per channel (1 means -1) in uint32 words, int32 or uint8.
// planes is float32 with channels outermost, for outputs only.
enum class Kind { f32, bits, i32, u8, planes };

const char* kind_name(Kind kind);

// Shape of a value of one image, channels innermost.
struct Shape {
  Kind kind;
  int64_t height;
  int64_t width;
  int64_t channels;

  int64_t pixels() const { return height * width; }
  int64_t words() const { return (channels + 31) / 32; }
  // Elements of one pixel: words where the kind is bits, channels elsewhere.
  int64_t pixel_elements() const { return kind == Kind::bits ? words() : channels; }
  int64_t elements() const { return pixels() * pixel_elements(); }
  int64_t bytes() const { return elements() * (kind == Kind::u8 ? 1 : 4); }
};

// Window of a convolution or pooling, in (height, width) order; padding is top, left, bottom, right.
struct Geometry {
  std::array<int64_t, 2> kernel{1, 1};
  std::array<int64_t, 2> stride{1, 1};
  std::array<int64_t, 4> padding{0, 0, 0, 0};
  std::array<int64_t, 2> dilation{1, 1};
  int64_t groups = 1;

  int64_t taps() const { return kernel[0] * kernel[1]; }
};

// A C-contiguous array that the caller owns.
template <class T>
struct Array {
  const T* data;
  std::vector<int64_t> shape;
};

// The value of an operation's attribute: null, true or false, an integer, a number, a string, or a list of integers.
using Attribute = std::variant<std::nullptr_t, bool, int64_t, double, std::string, std::vector<int64_t>>;
using Attributes = std::map<std::string, Attribute>;

enum class DType { f32, f16, i32, u32, i8, u8 };

const char* dtype_name(DType type);
size_t dtype_bytes(DType type);

// A tensor of an operation, row-major, that the caller owns; `data` need not be aligned.
struct Tensor {
  DType type;
  std::vector<int64_t> shape;
  const void* data;
};
using Tensors = std::map<std::string, Tensor>;

}  // namespace xnorkit
