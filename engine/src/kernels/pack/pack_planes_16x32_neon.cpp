// Pack from planes, 16 pixels x 32 channels in registers, NEON: a lane is a pixel's word, and a channel whose float is
// below its threshold turns the channel's bit. The last pixels one by one.
#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

constexpr int kRegisters = 4;
constexpr int64_t kPixels = 4 * kRegisters;

// The word `word` of kPixels pixels from `pixel` on. `largest` collects the largest bits of a float without its sign,
// one place up.
void pack_word(const PackPlanes& planes, int64_t pixel, int64_t word, int64_t words, uint32x4_t& largest) {
  const int64_t first = word * 32;
  const int64_t count = planes.channels - first < 32 ? planes.channels - first : 32;
  const float* x = planes.source + first * planes.plane_step + pixel;
  uint32x4_t bits[kRegisters];
  XNORKIT_UNROLL
  for (int n = 0; n < kRegisters; ++n) bits[n] = vdupq_n_u32(planes.flip[word]);
  uint32x4_t bit = vdupq_n_u32(1);
  for (int64_t c = 0; c < count; ++c, x += planes.plane_step) {
    const float32x4_t threshold = vdupq_n_f32(planes.threshold[first + c]);
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) {
      const float32x4_t v = vld1q_f32(x + 4 * n);
      largest = vmaxq_u32(largest, vshlq_n_u32(vreinterpretq_u32_f32(v), 1));
      bits[n] = veorq_u32(bits[n], vandq_u32(vcltq_f32(v, threshold), bit));
    }
    bit = vshlq_n_u32(bit, 1);
  }
  uint32_t lanes[kPixels];
  XNORKIT_UNROLL
  for (int n = 0; n < kRegisters; ++n) vst1q_u32(lanes + 4 * n, bits[n]);
  uint32_t* result = planes.result + pixel * words + word;
  for (int64_t i = 0; i < kPixels; ++i) result[i * words] = lanes[i];
}

}  // namespace

bool pack_planes_neon(const PackPlanes& planes) {
  const int64_t words = (planes.channels + 31) / 32;
  uint32x4_t largest = vdupq_n_u32(0);
  int64_t pixel = 0;
  for (; pixel + kPixels <= planes.pixels; pixel += kPixels) {
    for (int64_t word = 0; word < words; ++word) pack_word(planes, pixel, word, words, largest);
  }
  PackPlanes rest = planes;
  rest.source += pixel;
  rest.result += pixel * words;
  rest.pixels -= pixel;
  // Infinity without its sign is 0x7f800000.
  return pack_planes_portable(rest) && vmaxvq_u32(largest) < 0xff000000u;
}

}  // namespace xnorkit
