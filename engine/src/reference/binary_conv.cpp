#include <algorithm>

#include "reference/reference.h"

namespace xnorkit::reference {
namespace {

// Sum of a * w over the taps inside the image, a and w being -1 or +1: a tap in the padding contributes 0.
int32_t dot(const BinaryConvSpec& spec, const uint32_t* image, const uint8_t* filter, int64_t oy, int64_t ox) {
  const Shape& in = spec.input;
  const Geometry& g = spec.geometry;
  int32_t sum = 0;
  for (int64_t ky = 0; ky < g.kernel[0]; ++ky)
    for (int64_t kx = 0; kx < g.kernel[1]; ++kx) {
      const int64_t y = oy * g.stride[0] - g.padding[0] + ky * g.dilation[0];
      const int64_t x = ox * g.stride[1] - g.padding[1] + kx * g.dilation[1];
      if (y < 0 || y >= in.height || x < 0 || x >= in.width) continue;
      const uint32_t* pixel = image + (y * in.width + x) * in.words();
      const int64_t tap = ky * g.kernel[1] + kx;
      for (int64_t c = 0; c < in.channels; ++c) sum += sign_of(pixel, c) * sign_of(filter, tap * in.channels + c);
    }
  return sum;
}

void store(const BinaryConvSpec& spec, int32_t value, int64_t position, int64_t o, void* result, int64_t n) {
  const Shape& out = spec.output;
  const int64_t pixel = n * out.pixels() + position;
  if (spec.epilogue == kToI32) {
    static_cast<int32_t*>(result)[pixel * out.channels + o] = value;
  } else if (spec.epilogue == kToF32) {
    const float scaled = static_cast<float>(value) * spec.scale[o];
    const float y = scaled + spec.bias[o];
    static_cast<float*>(result)[pixel * out.channels + o] = spec.relu && !(y > 0.0f) ? 0.0f : y;
  } else {
    const int64_t i = spec.per_position() ? position * out.channels + o : o;
    set_bit(static_cast<uint32_t*>(result) + pixel * out.words(), o,
            (value < spec.threshold[i]) != (spec.flip[i] != 0));
  }
}

}  // namespace

void binary_conv2d(const BinaryConvSpec& spec, const uint32_t* source, void* result, int64_t images) {
  const Shape& out = spec.output;
  if (spec.epilogue == kToBits) std::fill_n(static_cast<uint32_t*>(result), images * out.elements(), 0u);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t oy = 0; oy < out.height; ++oy)
      for (int64_t ox = 0; ox < out.width; ++ox)
        for (int64_t o = 0; o < out.channels; ++o) {
          const uint8_t* filter = spec.weight.data() + o * spec.filter_bytes();
          const int32_t value = dot(spec, source + n * spec.input.elements(), filter, oy, ox);
          store(spec, value, oy * out.width + ox, o, result, n);
        }
}

}  // namespace xnorkit::reference
