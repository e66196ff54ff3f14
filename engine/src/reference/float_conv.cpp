#include <vector>

#include "common/fma.h"
#include "reference/reference.h"

namespace xnorkit::reference {

void float_conv2d(const FloatConvSpec& spec, const Operands& io, int64_t images) {
  const Shape& in = spec.input;
  const Shape& out = spec.output;
  const Geometry& g = spec.geometry;
  const int64_t channels = spec.group_channels();
  std::vector<float> floats(images * out.elements());
  for (int64_t n = 0; n < images; ++n)
    for (int64_t oy = 0; oy < out.height; ++oy)
      for (int64_t ox = 0; ox < out.width; ++ox)
        for (int64_t o = 0; o < out.channels; ++o) {
          const int64_t first_channel = o / (out.channels / g.groups) * channels;
          float sum = 0.0f;
          for (int64_t ky = 0; ky < g.kernel[0]; ++ky)
            for (int64_t kx = 0; kx < g.kernel[1]; ++kx) {
              const int64_t y = oy * g.stride[0] - g.padding[0] + ky * g.dilation[0];
              const int64_t x = ox * g.stride[1] - g.padding[1] + kx * g.dilation[1];
              if (y < 0 || y >= in.height || x < 0 || x >= in.width) continue;
              const float* pixel =
                  io.source<float>() + ((n * in.height + y) * in.width + x) * in.channels + first_channel;
              const float* filter = spec.weight.data() + ((o * g.kernel[0] + ky) * g.kernel[1] + kx) * channels;
              for (int64_t c = 0; c < channels; ++c) sum = fused_multiply_add(pixel[c], filter[c], sum);
            }
          floats[((n * out.height + oy) * out.width + ox) * out.channels + o] = sum + spec.bias[o];
        }
  store_tail(spec.tail, out, floats.data(), io, images);
}

}  // namespace xnorkit::reference
