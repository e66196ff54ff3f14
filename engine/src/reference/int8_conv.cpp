#include <algorithm>
#include <vector>

#include "reference/reference.h"

namespace xnorkit::reference {
namespace {

int32_t integer_sum(const Int8ConvSpec& spec, const uint8_t* image, int64_t oy, int64_t ox, int64_t o) {
  const Shape& in = spec.input;
  const Geometry& g = spec.geometry;
  const int64_t channels = spec.group_channels();
  const int64_t first_channel = o / (spec.output.channels / g.groups) * channels;
  int32_t sum = spec.bias[o];
  for (int64_t ky = 0; ky < g.kernel[0]; ++ky)
    for (int64_t kx = 0; kx < g.kernel[1]; ++kx) {
      const int64_t y = oy * g.stride[0] - g.padding[0] + ky * g.dilation[0];
      const int64_t x = ox * g.stride[1] - g.padding[1] + kx * g.dilation[1];
      if (y < 0 || y >= in.height || x < 0 || x >= in.width) continue;
      const uint8_t* pixel = image + (y * in.width + x) * in.channels + first_channel;
      const int8_t* filter = spec.weight.data() + ((o * g.kernel[0] + ky) * g.kernel[1] + kx) * channels;
      for (int64_t c = 0; c < channels; ++c) sum += filter[c] * (pixel[c] - spec.zero_point[first_channel + c]);
    }
  return sum;
}

// `floats` takes the place of the first result of floats: their tail comes after.
void store(const Int8ConvSpec& spec, const Operands& io, int32_t value, int64_t position, int64_t o, int64_t n,
           float* floats) {
  const Shape& out = spec.output;
  const int64_t pixel = n * out.pixels() + position;
  if (spec.epilogue == kToI32) {
    io.result<int32_t>()[pixel * out.channels + o] = value;
  } else if (spec.epilogue == kToF32) {
    floats[pixel * out.channels + o] = static_cast<float>(value) * spec.scale[o];
  } else {
    const int64_t i = spec.per_position() ? position * out.channels + o : o;
    set_bit(io.result<uint32_t>() + pixel * out.words(), o, (value < spec.threshold[i]) != (spec.flip[i] != 0));
  }
}

}  // namespace

void int8_conv2d(const Int8ConvSpec& spec, const Operands& io, int64_t images) {
  const Shape& out = spec.output;
  if (spec.epilogue == kToBits) std::fill_n(io.result<uint32_t>(), images * out.elements(), 0u);
  std::vector<float> floats(spec.epilogue == kToF32 ? images * out.elements() : 0);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t oy = 0; oy < out.height; ++oy)
      for (int64_t ox = 0; ox < out.width; ++ox)
        for (int64_t o = 0; o < out.channels; ++o) {
          const int32_t value = integer_sum(spec, io.source<uint8_t>() + n * spec.input.elements(), oy, ox, o);
          store(spec, io, value, oy * out.width + ox, o, n, floats.data());
        }
  if (spec.epilogue == kToF32) store_tail(spec.tail, out, floats.data(), io, images);
}

}  // namespace xnorkit::reference
