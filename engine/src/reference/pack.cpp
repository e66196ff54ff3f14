#include <algorithm>

#include "reference/reference.h"

namespace xnorkit::reference {

void pack(const PackSpec& spec, const float* source, uint32_t* result, int64_t images) {
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

}  // namespace xnorkit::reference
