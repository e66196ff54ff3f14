#include <cmath>

#include "reference/ends.h"

namespace xnorkit::reference {

void quantize_u8(const QuantizeSpec& spec, const float* source, uint8_t* result, int64_t images) {
  for (int64_t i = 0; i < images * spec.input.elements(); ++i) {
    const float level = std::nearbyint(source[i] / spec.scale) + static_cast<float>(spec.zero_point);
    result[i] = !(level > 0.0f) ? 0 : level >= 255.0f ? 255 : static_cast<uint8_t>(level);
  }
}

}  // namespace xnorkit::reference
