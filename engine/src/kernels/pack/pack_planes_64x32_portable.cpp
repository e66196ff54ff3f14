// Pack from planes, up to 64 pixels x 32 channels at a time, in loops that the compiler makes vectors.
#include <cstring>

#include "contract/kernels.h"

namespace xnorkit {
namespace {

constexpr int64_t kPixels = 64;

}  // namespace

bool pack_planes_portable(const PackPlanes& planes) {
  const int64_t words = (planes.channels + 31) / 32;
  // NaN and infinity are the floats whose exponent bits are all set; adding one unit of exponent carries into the sign.
  uint32_t carry = 0;
  for (int64_t pixel = 0; pixel < planes.pixels; pixel += kPixels) {
    const int64_t pixels = planes.pixels - pixel < kPixels ? planes.pixels - pixel : kPixels;
    for (int64_t word = 0; word < words; ++word) {
      uint32_t bits[kPixels];
      for (int64_t i = 0; i < pixels; ++i) bits[i] = planes.flip[word];
      for (int64_t c = word * 32; c < planes.channels && c < word * 32 + 32; ++c) {
        const float* x = planes.source + c * planes.plane_step + pixel;
        for (int64_t i = 0; i < pixels; ++i) {
          uint32_t pattern;
          std::memcpy(&pattern, x + i, sizeof pattern);
          carry |= (pattern & 0x7fffffffu) + 0x00800000u;
          bits[i] ^= (x[i] < planes.threshold[c] ? 1u : 0u) << (c % 32);
        }
      }
      for (int64_t i = 0; i < pixels; ++i) planes.result[(pixel + i) * words + word] = bits[i];
    }
  }
  return (carry & 0x80000000u) == 0;
}

}  // namespace xnorkit
