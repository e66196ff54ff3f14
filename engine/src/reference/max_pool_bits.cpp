#include <algorithm>

#include "reference/reference.h"

namespace xnorkit::reference {

// A bit is (value < threshold) xor flip of a value that rises (falling = 0) or falls with the pooled quantity, so the
// bit of the largest value is the AND of the bits (-1 only if all are -1), or their OR.
void max_pool_bits(const MaxPoolBitsSpec& spec, const uint32_t* source, uint32_t* result, int64_t images) {
  const Shape& in = spec.input;
  const Shape& out = spec.output;
  const Geometry& g = spec.geometry;
  std::fill_n(result, images * out.elements(), 0u);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t oy = 0; oy < out.height; ++oy)
      for (int64_t ox = 0; ox < out.width; ++ox)
        for (int64_t c = 0; c < in.channels; ++c) {
          bool all = true;
          bool any = false;
          for (int64_t ky = 0; ky < g.kernel[0]; ++ky)
            for (int64_t kx = 0; kx < g.kernel[1]; ++kx) {
              const int64_t y = oy * g.stride[0] - g.padding[0] + ky * g.dilation[0];
              const int64_t x = ox * g.stride[1] - g.padding[1] + kx * g.dilation[1];
              if (y < 0 || y >= in.height || x < 0 || x >= in.width) continue;
              const bool bit = sign_of(source + n * in.elements() + (y * in.width + x) * in.words(), c) < 0;
              all = all && bit;
              any = any || bit;
            }
          set_bit(result + n * out.elements() + (oy * out.width + ox) * out.words(), c, spec.falling[c] ? any : all);
        }
}

}  // namespace xnorkit::reference
