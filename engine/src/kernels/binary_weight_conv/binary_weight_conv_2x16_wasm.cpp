// Floats with binary weights, up to 2 pixels x 16 channels in registers, WebAssembly SIMD; a block is done 16 lanes at a
// time. A weight's bit flips the sign of the float: sum + (+-x) rounds once, as the fused multiply-add by +-1 does.
#include <wasm_simd128.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/tail/tail_wasm.h"

namespace xnorkit {
namespace {

// Lane i of register n: the sign bit where bit 4 n + i of `bits` is set.
inline __attribute__((always_inline)) v128_t signs(v128_t bits, v128_t chosen) {
  const v128_t set = wasm_i32x4_eq(wasm_v128_and(bits, chosen), chosen);
  return wasm_i32x4_shl(set, 31);
}

// 16 lanes from lane `first`; words[p] gets the bits of the tail.
template <int P>
inline __attribute__((always_inline)) void binary_weight_16(const BinaryWeightTile& tile, int first,
                                                            uint32_t (&words)[P][2]) {
  const int quarters = tile.lanes / 16;
  const v128_t chosen[4] = {
      wasm_i32x4_const(1 << 0, 1 << 1, 1 << 2, 1 << 3), wasm_i32x4_const(1 << 4, 1 << 5, 1 << 6, 1 << 7),
      wasm_i32x4_const(1 << 8, 1 << 9, 1 << 10, 1 << 11), wasm_i32x4_const(1 << 12, 1 << 13, 1 << 14, 1 << 15)};
  v128_t sum[P][4];
  const float* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < 4; ++n) sum[p][n] = wasm_f32x4_const_splat(0.0f);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint16_t* weight = tile.weight + static_cast<int64_t>(run.weight) * quarters + first / 16;
    const int64_t end = static_cast<int64_t>(run.source) + run.length;
    for (int64_t i = run.source; i < end; ++i, weight += quarters) {
      const v128_t bits = wasm_i32x4_splat(*weight);
      v128_t x[P];
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) x[p] = wasm_v128_load32_splat(source[p] + i);
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) {
        const v128_t sign = signs(bits, chosen[n]);
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) sum[p][n] = wasm_f32x4_add(sum[p][n], wasm_v128_xor(x[p], sign));
      }
    }
  }
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    v128_t y[4];
    XNORKIT_UNROLL
    for (int n = 0; n < 4; ++n) {
      const v128_t scaled = wasm_f32x4_mul(sum[p][n], wasm_v128_load(tile.scale + first + 4 * n));
      y[n] = wasm_f32x4_add(scaled, wasm_v128_load(tile.bias + first + 4 * n));
    }
    words[p][first / 32] |= run_tail<4>(tile.tail, p, first, tile.channels, y) << (first % 32);
  }
}

template <int P>
void binary_weight_conv(const BinaryWeightTile& tile) {
  uint32_t words[P][2] = {};
  for (int first = 0; first < tile.lanes; first += 16) binary_weight_16<P>(tile, first, words);
  store_words(tile.tail, tile.channels, P, words);
}

}  // namespace

#define XNORKIT_PIXELS {binary_weight_conv<1>, binary_weight_conv<2>}
const BinaryWeightConvKernels binary_weight_conv_wasm = {
    "binary_weight_conv_2x16_wasm", 2, {XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS, XNORKIT_PIXELS}};

}  // namespace xnorkit
