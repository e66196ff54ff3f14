#include <algorithm>
#include <vector>

#include "reference/reference.h"

namespace xnorkit::reference {
namespace {

// Sum of a * w over the taps inside the image, a and w being -1 or +1: a tap in the padding contributes 0.
int32_t dot(const BinaryConvSpec& spec, const uint32_t* image, int64_t o, int64_t oy, int64_t ox) {
  const Shape& in = spec.input;
  const Geometry& g = spec.geometry;
  const int64_t channels = spec.group_channels();
  const int64_t first = o / (spec.output.channels / g.groups) * channels;
  const uint8_t* filter = spec.weight.data() + o * spec.filter_bytes();
  int32_t sum = 0;
  for (int64_t ky = 0; ky < g.kernel[0]; ++ky)
    for (int64_t kx = 0; kx < g.kernel[1]; ++kx) {
      const int64_t y = oy * g.stride[0] - g.padding[0] + ky * g.dilation[0];
      const int64_t x = ox * g.stride[1] - g.padding[1] + kx * g.dilation[1];
      if (y < 0 || y >= in.height || x < 0 || x >= in.width) continue;
      const uint32_t* pixel = image + (y * in.width + x) * in.words();
      const int64_t tap = ky * g.kernel[1] + kx;
      for (int64_t c = 0; c < channels; ++c) sum += sign_of(pixel, first + c) * sign_of(filter, tap * channels + c);
    }
  return sum;
}

// `floats` takes the place of the first result of floats: their tail comes after.
void store(const BinaryConvSpec& spec, const Operands& io, int32_t value, int64_t position, int64_t o, int64_t n,
           float* floats) {
  const Shape& out = spec.output;
  const int64_t pixel = n * out.pixels() + position;
  if (spec.epilogue == kToI32) {
    io.result<int32_t>()[pixel * out.channels + o] = value;
  } else if (spec.epilogue == kToF32) {
    const float scaled = static_cast<float>(value) * spec.scale[o];
    floats[pixel * out.channels + o] = scaled + spec.bias[o];
  } else {
    const int64_t i = spec.per_position() ? position * out.channels + o : o;
    set_bit(io.result<uint32_t>() + pixel * out.words(), o, (value < spec.threshold[i]) != (spec.flip[i] != 0));
  }
}

}  // namespace

void binary_conv2d(const BinaryConvSpec& spec, const Operands& io, int64_t images) {
  const Shape& out = spec.output;
  if (spec.epilogue == kToBits) std::fill_n(io.result<uint32_t>(), images * out.elements(), 0u);
  std::vector<float> floats(spec.epilogue == kToF32 ? images * out.elements() : 0);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t oy = 0; oy < out.height; ++oy)
      for (int64_t ox = 0; ox < out.width; ++ox)
        for (int64_t o = 0; o < out.channels; ++o) {
          const int32_t value = dot(spec, io.source<uint32_t>() + n * spec.input.elements(), o, oy, ox);
          store(spec, io, value, oy * out.width + ox, o, n, floats.data());
        }
  if (spec.epilogue == kToF32) store_tail(spec.tail, out, floats.data(), io, images);
}

}  // namespace xnorkit::reference
