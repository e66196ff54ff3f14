#include <algorithm>

#include "reference/reference.h"

namespace xnorkit::reference {

// A bit is (value < threshold) xor flip of a value that rises (falling = 0) or falls with the pooled quantity, so the
// bit of the largest value is the AND of the bits (-1 only if all are -1), or their OR.
void max_pool_bits(const MaxPoolBitsSpec& spec, const Operands& io, int64_t images) {
  const auto* source = io.source<uint32_t>();
  auto* result = io.result<uint32_t>();
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
          const int64_t top = oy * g.stride[0] - g.padding[0], left = ox * g.stride[1] - g.padding[1];
          const Taps down(top, in.height, g.kernel[0], g.dilation[0]);
          const Taps right(left, in.width, g.kernel[1], g.dilation[1]);
          for (int64_t ky = down.begin; ky < down.end; ++ky)
            for (int64_t kx = right.begin; kx < right.end; ++kx) {
              const int64_t y = top + ky * g.dilation[0], x = left + kx * g.dilation[1];
              const bool bit = sign_of(source + n * in.elements() + (y * in.width + x) * in.words(), c) < 0;
              all = all && bit;
              any = any || bit;
            }
          set_bit(result + n * out.elements() + (oy * out.width + ox) * out.words(), c, spec.falling[c] ? any : all);
        }
}

}  // namespace xnorkit::reference
