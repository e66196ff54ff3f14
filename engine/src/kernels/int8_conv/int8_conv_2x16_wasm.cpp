// 8-bit convolution, up to 2 pixels x 16 channels in registers, WebAssembly SIMD; a block is done 16 lanes at a time.
// Bytes are staged as 16 bits, and i32x4.dot_i16x8 adds two exact products.
#include <wasm_simd128.h>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/tail/tail_wasm.h"

namespace xnorkit {
namespace {

// 16 lanes from lane `first` of pixel p; words get the bits, of the epilogue or the tail.
template <int E>
__attribute__((noinline)) void store_sums(const Int8Tile& tile, int p, int first, const v128_t (&sum)[4],
                                          uint32_t (&words)[2]) {
  uint32_t bits = 0;
  v128_t y[4];
  XNORKIT_UNROLL
  for (int n = 0; n < 4; ++n) {
    const int lane = first + 4 * n;
    if (E == kToBits) {
      bits |= wasm_i32x4_bitmask(wasm_i32x4_lt(sum[n], wasm_v128_load(tile.limit[p] + lane))) << (4 * n);
    } else if (E == kToF32) {
      y[n] = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sum[n]), wasm_v128_load(tile.scale + lane));
    } else {
      int32_t lanes[4];
      wasm_v128_store(lanes, sum[n]);
      for (int i = 0; i < 4 && lane + i < tile.channels; ++i)
        static_cast<int32_t*>(tile.result[p])[lane + i] = lanes[i];
    }
  }
  if (E == kToF32) bits = run_tail<4>(tile.tail, p, first, tile.channels, y);
  words[first / 32] |= bits << (first % 32);
}

// Pixels 0 to P - 1, 16 lanes from lane `first`.
template <int P>
__attribute__((noinline)) void sum_16(const Int8Tile& tile, int first, v128_t (*sums)[4]) {
  const uint8_t* source[P];
  v128_t sum[P][4];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < 4; ++n) sum[p][n] = wasm_v128_load(tile.start + first + 4 * n);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const int64_t end = run.source + int64_t{4} * run.length;
    for (int64_t i = run.source; i < end; i += 4, weight += tile.lanes) {
      v128_t u[P];
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) u[p] = wasm_v128_load32_splat(source[p] + i);
      XNORKIT_UNROLL
      for (int n = 0; n < 4; ++n) {
        const v128_t w = wasm_v128_load(weight + 4 * n);
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) sum[p][n] = wasm_i32x4_add(sum[p][n], wasm_i32x4_dot_i16x8(u[p], w));
      }
    }
  }
  for (int p = 0; p < P; ++p) {
    for (int n = 0; n < 4; ++n) sums[p][n] = sum[p][n];
  }
}

template <int E, int P>
void int8_conv(const Int8Tile& tile) {
  uint32_t words[P][2] = {};
  for (int first = 0; first < tile.lanes; first += 16) {
    v128_t sums[P][4];
    sum_16<P>(tile, first, sums);
    for (int p = 0; p < P; ++p) store_sums<E>(tile, p, first, sums[p], words[p]);
  }
  if (E == kToF32) store_words(tile.tail, tile.channels, P, words);
  for (int p = 0; E == kToBits && p < P; ++p) {
    for (int i = 0; i < tile.lanes / 32; ++i) static_cast<uint32_t*>(tile.result[p])[i] = words[p][i] ^ tile.flip[p][i];
  }
}

}  // namespace

#define XNORKIT_PIXELS(E) {int8_conv<E, 1>, int8_conv<E, 2>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E), XNORKIT_PIXELS(E)}
const Int8ConvKernels int8_conv_wasm = {
    "int8_conv_2x16_wasm", 2, kPairs, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
