// Binary convolution, up to 2 pixels x 16 channels in registers, WebAssembly SIMD.
//
// A 32-bit lane holds one channel; i8x16.popcnt counts in bytes. x86-64, whose 16 registers browsers compile to, has no
// such instruction: 2 x 4 byte accumulators, 4 weights and what a popcount takes fit. Overflow bound: a step adds at
// most 8 to a byte, 31 steps at most 248 <= 255; then the four bytes of a lane are added into its 32-bit total in
// memory, at most K <= 2^24.
#include <wasm_simd128.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_wasm.h"

namespace xnorkit {
namespace {

constexpr int kRegisters = 4;  // of 4 channels
constexpr int kChannels = 4 * kRegisters;
constexpr int32_t kStepsPerByte = 31;

template <int P>
inline __attribute__((always_inline)) void widen(v128_t (&bytes)[P][kRegisters], uint32_t (*total)[kChannels]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) {
      uint32_t* to = total[p] + 4 * n;
      const v128_t pairs = wasm_u16x8_extadd_pairwise_u8x16(bytes[p][n]);
      wasm_v128_store(to, wasm_i32x4_add(wasm_v128_load(to), wasm_u32x4_extadd_pairwise_u16x8(pairs)));
      bytes[p][n] = wasm_i32x4_const_splat(0);
    }
  }
}

// The 16 lanes' part of [step][lane] begins at lane `first`, with `lanes` lanes from one step to the next. M: the lanes
// belong to several groups, and each counts the bits of its own.
template <bool M, int P>
__attribute__((noinline)) void count(const BinaryTile& tile, int first, int64_t lanes, uint32_t (*total)[kChannels]) {
  v128_t bytes[P][kRegisters];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) {
      bytes[p][n] = wasm_i32x4_const_splat(0);
      wasm_v128_store(total[p] + 4 * n, bytes[p][n]);
    }
  }
  int32_t room = kStepsPerByte;
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* w = tile.weight + first + run.weight * lanes;
    const uint32_t* mask = M ? tile.mask + first + run.weight * lanes : nullptr;
    for (int32_t begin = 0; begin < run.length;) {
      const int32_t left = run.length - begin;
      const int32_t end = begin + (left < room ? left : room);
      for (int32_t i = begin; i < end; ++i, w += lanes, mask += M ? lanes : 0) {
        v128_t x[P];
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) x[p] = wasm_v128_load32_splat(tile.source[p] + run.source + i);
        XNORKIT_UNROLL
        for (int n = 0; n < kRegisters; ++n) {
          const v128_t weight = wasm_v128_load(w + 4 * n);
          XNORKIT_UNROLL
          for (int p = 0; p < P; ++p) {
            v128_t bits = wasm_v128_xor(x[p], weight);
            if (M) bits = wasm_v128_and(bits, wasm_v128_load(mask + 4 * n));
            bytes[p][n] = wasm_i8x16_add(bytes[p][n], wasm_i8x16_popcnt(bits));
          }
        }
      }
      room -= end - begin;
      begin = end;
      if (room == 0) {
        widen<P>(bytes, total);
        room = kStepsPerByte;
      }
    }
  }
  widen<P>(bytes, total);
}

// Returns the 16 bits of pixel p where the epilogue makes any, before the flip; the rest it stores.
template <int E>
__attribute__((noinline)) uint32_t store(const BinaryTile& tile, int p, int first, const uint32_t (&total)[kChannels]) {
  uint32_t bits = 0;
  v128_t y[kRegisters];
  XNORKIT_UNROLL
  for (int n = 0; n < kRegisters; ++n) {
    const int lane = first + 4 * n;
    const v128_t differing = wasm_v128_load(total + 4 * n);
    const v128_t dot = wasm_i32x4_sub(wasm_i32x4_splat(tile.valid_k), wasm_i32x4_shl(differing, 1));
    if (E == kToBits) {
      bits |= wasm_i32x4_bitmask(wasm_i32x4_gt(differing, wasm_v128_load(tile.limit[p] + lane))) << (4 * n);
    } else if (E == kToF32) {
      const v128_t scaled = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(dot), wasm_v128_load(tile.scale + lane));
      y[n] = wasm_f32x4_add(scaled, wasm_v128_load(tile.bias + lane));
    } else {
      int32_t lanes[4];
      wasm_v128_store(lanes, dot);
      for (int i = 0; i < 4 && lane + i < tile.channels; ++i)
        static_cast<int32_t*>(tile.result[p])[lane + i] = lanes[i];
    }
  }
  return E == kToF32 ? run_tail<kRegisters>(tile.tail, p, first, tile.channels, y) : bits;
}

template <bool M, int E, int P, int L>
void binary_conv(const BinaryTile& tile) {
  uint32_t words[P][L / 32] = {};
  for (int first = 0; first < L; first += kChannels) {
    uint32_t total[P][kChannels];
    count<M, P>(tile, first, L, total);
    for (int p = 0; p < P; ++p) words[p][first / 32] |= store<E>(tile, p, first, total[p]) << (first % 32);
  }
  for (int p = 0; p < P; ++p) {
    for (int i = 0; i < L / 32; ++i) {
      if (E == kToBits) static_cast<uint32_t*>(tile.result[p])[i] = words[p][i] ^ tile.flip[p][i];
      if (E == kToF32 && tile.tail.bits != nullptr) tile.tail.bits[p][i] = words[p][i] ^ tile.tail.flip[i];
    }
  }
}

}  // namespace

#define XNORKIT_PIXELS(M, E, L) {binary_conv<M, E, 1, L>, binary_conv<M, E, 2, L>}
#define XNORKIT_LANES(M, E) {XNORKIT_PIXELS(M, E, 32), XNORKIT_PIXELS(M, E, 64)}
#define XNORKIT_TILES(M) {XNORKIT_LANES(M, kToBits), XNORKIT_LANES(M, kToF32), XNORKIT_LANES(M, kToI32)}
const BinaryConvKernels binary_conv_wasm = {"binary_conv_2x16_wasm", 2, kInterleaved, XNORKIT_TILES(false)};
const BinaryConvKernels masked_binary_conv_wasm = {"masked_binary_conv_2x16_wasm", 2, kInterleaved,
                                                   XNORKIT_TILES(true)};

}  // namespace xnorkit
