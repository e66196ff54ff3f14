// Pack, WebAssembly SIMD: 32 channels of a pixel at a time, the last ones one by one.
#include <wasm_simd128.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) uint32_t pack_word(const float* x, const float* threshold) {
  uint32_t bits = 0;
  XNORKIT_UNROLL
  for (int n = 0; n < 8; ++n) {
    const v128_t below = wasm_f32x4_lt(wasm_v128_load(x + 4 * n), wasm_v128_load(threshold + 4 * n));
    bits |= static_cast<uint32_t>(wasm_i32x4_bitmask(below)) << (4 * n);
  }
  return bits;
}

}  // namespace

void pack_wasm(const PackRow& row) {
  const int64_t words = (row.channels + 31) / 32;
  for (int64_t i = 0; i < row.pixels; ++i) {
    const float* x = row.source + i * row.channels;
    const float* threshold = row.threshold + i * row.threshold_step;
    for (int64_t word = 0; word < words; ++word) {
      const int64_t first = word * 32;
      const int64_t count = row.channels - first;
      uint32_t bits = 0;
      if (count >= 32) {
        bits = pack_word(x + first, threshold + first);
      } else {
        for (int64_t c = 0; c < count; ++c) bits |= static_cast<uint32_t>(x[first + c] < threshold[first + c]) << c;
      }
      row.result[i * words + word] = bits ^ row.flip[i * row.flip_step + word];
    }
  }
}

}  // namespace xnorkit
