// Binary convolution, up to 4 pixels x 16 channels in registers, NEON.
//
// A 32-bit lane holds one channel; cnt counts in bytes. 4 x 4 byte accumulators, 4 weights, and temporaries fit the 32
// registers. Overflow bound: a step adds at most 8 to a byte, 31 steps at most 248 <= 255; then the four bytes of a
// lane are added into its 32-bit total in memory, at most K <= 2^24.
#include <arm_neon.h>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_neon.h"

namespace xnorkit {
namespace {

constexpr int kRegisters = 4;  // of 4 channels
constexpr int kChannels = 4 * kRegisters;
constexpr int32_t kStepsPerByte = 31;

template <int P>
inline __attribute__((always_inline)) void widen(uint8x16_t (&bytes)[P][kRegisters], uint32_t (&total)[P][kChannels]) {
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) {
      uint32_t* to = total[p] + 4 * n;
      vst1q_u32(to, vpadalq_u16(vld1q_u32(to), vpaddlq_u8(bytes[p][n])));
      bytes[p][n] = vdupq_n_u8(0);
    }
  }
}

// The 16 lanes' part of [step][lane] begins at lane `first`, with `lanes` lanes from one step to the next. M: the lanes
// belong to several groups, and each counts the bits of its own.
template <bool M, int P>
inline __attribute__((always_inline)) void count(const BinaryTile& tile, int first, int64_t lanes,
                                                 uint32_t (&total)[P][kChannels]) {
  uint8x16_t bytes[P][kRegisters];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    XNORKIT_UNROLL
    for (int n = 0; n < kRegisters; ++n) {
      bytes[p][n] = vdupq_n_u8(0);
      vst1q_u32(total[p] + 4 * n, vdupq_n_u32(0));
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
        uint32x4_t loaded[kRegisters];
        XNORKIT_UNROLL
        for (int n = 0; n < kRegisters; ++n) loaded[n] = vld1q_u32(w + 4 * n);
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) {
          const uint32x4_t x = vdupq_n_u32(tile.source[p][run.source + i]);
          XNORKIT_UNROLL
          for (int n = 0; n < kRegisters; ++n) {
            uint32x4_t bits = veorq_u32(x, loaded[n]);
            if (M) bits = vandq_u32(bits, vld1q_u32(mask + 4 * n));
            bytes[p][n] = vaddq_u8(bytes[p][n], vcntq_u8(vreinterpretq_u8_u32(bits)));
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
inline __attribute__((always_inline)) uint32_t store(const BinaryTile& tile, int p, int first,
                                                     const uint32_t (&total)[kChannels]) {
  uint32_t bits = 0;
  float32x4_t y[kRegisters];
  XNORKIT_UNROLL
  for (int n = 0; n < kRegisters; ++n) {
    const int lane = first + 4 * n;
    const int32x4_t differing = vreinterpretq_s32_u32(vld1q_u32(total + 4 * n));
    const int32x4_t dot = vsubq_s32(vdupq_n_s32(tile.valid_k), vshlq_n_s32(differing, 1));
    if (E == kToBits) {
      bits |= lane_bits(vcgtq_s32(differing, vld1q_s32(tile.limit[p] + lane))) << (4 * n);
    } else if (E == kToF32) {
      y[n] = vaddq_f32(vmulq_f32(vcvtq_f32_s32(dot), vld1q_f32(tile.scale + lane)), vld1q_f32(tile.bias + lane));
    } else {
      int32_t lanes[4];
      vst1q_s32(lanes, dot);
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

#define XNORKIT_PIXELS(M, E, L) \
  {binary_conv<M, E, 1, L>, binary_conv<M, E, 2, L>, binary_conv<M, E, 3, L>, binary_conv<M, E, 4, L>}
#define XNORKIT_LANES(M, E) {XNORKIT_PIXELS(M, E, 32), XNORKIT_PIXELS(M, E, 64)}
#define XNORKIT_TILES(M) {XNORKIT_LANES(M, kToBits), XNORKIT_LANES(M, kToF32), XNORKIT_LANES(M, kToI32)}
const BinaryConvKernels binary_conv_neon = {"binary_conv_4x16_neon", 4, kInterleaved, XNORKIT_TILES(false)};
const BinaryConvKernels masked_binary_conv_neon = {"masked_binary_conv_4x16_neon", 4, kInterleaved,
                                                   XNORKIT_TILES(true)};

}  // namespace xnorkit
