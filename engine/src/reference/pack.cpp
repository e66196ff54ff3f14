#include <algorithm>
#include <cmath>

#include "reference/reference.h"

namespace xnorkit::reference {

void pack(const PackSpec& spec, const Operands& io, int64_t images) {
  const auto* source = io.source<float>();
  auto* result = io.result<uint32_t>();
  const Shape& in = spec.input;
  std::fill_n(result, images * spec.output.elements(), 0u);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t position = 0; position < in.pixels(); ++position)
      for (int64_t c = 0; c < in.channels; ++c) {
        const int64_t pixel = n * in.pixels() + position;
        const int64_t i = spec.per_position() ? position * in.channels + c : c;
        const bool below = source[pixel * in.channels + c] < spec.threshold[i];
        set_bit(result + pixel * spec.output.words(), c, below != (spec.flip[i] != 0));
      }
}

void quantize_u8(const QuantizeSpec& spec, const Operands& io, int64_t images) {
  const auto* source = io.source<float>();
  auto* result = io.result<uint8_t>();
  for (int64_t i = 0; i < images * spec.input.elements(); ++i) {
    const float level = std::nearbyint(source[i] / spec.scale) + static_cast<float>(spec.zero_point);
    result[i] = !(level > 0.0f) ? 0 : level >= 255.0f ? 255 : static_cast<uint8_t>(level);
  }
}

}  // namespace xnorkit::reference
