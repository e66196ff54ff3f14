#include "kernels/channels/copy_bits.h"

namespace xnorkit {

void copy_bits(const uint32_t* source, int64_t bits, uint32_t* result, int64_t first) {
  const int64_t shift = first % 32;
  uint32_t* to = result + first / 32;
  const int64_t words = (bits + 31) / 32;
  for (int64_t i = 0; i < words; ++i) {
    to[i] |= source[i] << shift;
    // The upper part of a word spills into the next one, where the target still has one.
    if (shift != 0 && first + bits > (first / 32 + i + 1) * 32) to[i + 1] |= source[i] >> (32 - shift);
  }
}

}  // namespace xnorkit
