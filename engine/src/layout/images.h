// The four kinds of input: what callers may pass for each, and how value 0, channels innermost, comes of it.
#pragma once

#include <string>
#include <vector>

#include "xnorkit/program.h"

namespace xnorkit {

// image: images to f32; pixels: images to u8; bits and f32: the value itself, read where the caller has it.
enum class InputKind { image, pixels, bits, f32 };

// Throws std::invalid_argument that lists the kinds.
InputKind input_kind(const std::string& name);

Kind value_kind(InputKind kind);

// True where the caller's memory is value 0.
inline bool in_place(InputKind kind) { return kind == InputKind::bits || kind == InputKind::f32; }

// Between pixels and floats; each is empty where it was not given.
struct Normalization {
  std::vector<float> table;  // (C, 256): pixel -> float
  std::vector<float> mean;   // (C,): with std, float -> pixel
  std::vector<float> std;    // (C,)
};

// What a caller passed, as value 0 is made of it. planes: (N, C, H, W), else value 0 itself, (N, H, W, C) in float32.
struct Images {
  const Input& input;
  const Shape& shape;  // of value 0
  const Normalization& normalization;
  bool planes;

  // Where image n begins, for the type that the input has.
  template <class T>
  const T* image(int64_t n) const {
    return static_cast<const T*>(input.data) + n * shape.elements();
  }

  // Names the first NaN or infinity, one of which there must be.
  [[noreturn]] void fail_at_first_bad() const;
};

// Refuses another type or shape than (N,) + those of `value`, the shape of value 0.
void check_input_array(InputKind kind, const Shape& value, const Normalization& normalization, const Input& input);

// Refuses words whose padding bits are not 0: they would count as differing bits.
void check_padding_bits(const uint32_t* words, int64_t images, const Shape& shape);

// Converts pixels [first, first + count) of image n of images in planes to shape.kind, f32 or u8. Returns false where a
// float is NaN or infinite.
bool read_pixels(const Images& images, int64_t n, int64_t first, int64_t count, void* result);

// Converts images [first, first + count) in planes to shape.kind; throws std::invalid_argument at NaN or infinity.
void read_images(const Images& images, int64_t first, int64_t count, void* result, int threads);

}  // namespace xnorkit
