// Images to values with channels innermost, and what is refused in an input.
#pragma once

#include <vector>

#include "xnorkit/program.h"

namespace xnorkit {

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

// Refuses words whose padding bits are not 0: they would count as differing bits.
void check_padding_bits(const uint32_t* words, int64_t images, const Shape& shape);

// Converts pixels [first, first + count) of image n of images in planes to shape.kind, f32 or u8. Returns false where a
// float is NaN or infinite.
bool read_pixels(const Images& images, int64_t n, int64_t first, int64_t count, void* result);

// Converts images [first, first + count) in planes to shape.kind; throws std::invalid_argument at NaN or infinity.
void read_images(const Images& images, int64_t first, int64_t count, void* result, int threads);

}  // namespace xnorkit
