// Pack, one word at a time.
#include "contract/kernels.h"

namespace xnorkit {

void pack_portable(const PackRow& row) {
  const int64_t words = (row.channels + 31) / 32;
  for (int64_t i = 0; i < row.pixels; ++i) {
    const float* x = row.source + i * row.channels;
    const float* threshold = row.threshold + i * row.threshold_step;
    for (int64_t word = 0; word < words; ++word) {
      const int64_t first = word * 32;
      const int64_t count = row.channels - first < 32 ? row.channels - first : 32;
      uint32_t bits = 0;
      for (int64_t c = 0; c < count; ++c) bits |= static_cast<uint32_t>(x[first + c] < threshold[first + c]) << c;
      row.result[i * words + word] = bits ^ row.flip[i * row.flip_step + word];
    }
  }
}

}  // namespace xnorkit
