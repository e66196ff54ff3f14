// The kernels of outer layers, the first and the last; the rules of kernels.h hold here too.
#pragma once

#include <cstdint>

#include "contract/kernels.h"

namespace xnorkit {

// What the 4 bytes of a step of a staged image are, and of its weights: 4 values u and 4 weights q, the same with
// u - 128 as a signed byte, or 2 of each in 16 bits.
enum Int8Form : int { kUnsignedBytes, kSignedBytes, kPairs };

// One tile of an 8-bit convolution: up to kMaxPixels output pixels times one block of channels. Staged images carry
// their padding (the zero point), so every pixel has the same runs; a run's last step may read past it, where its
// weights are 0.
struct Int8Tile {
  const uint8_t* const* source;  // per pixel: its first tap
  void* const* result;           // to bits and to i32, per pixel: the block's first word or channel
  const Run* runs;               // source in bytes; weight and length in steps
  int32_t run_count;
  const uint32_t* weight;  // [step][lane], a step's 4 or 2 weights in one element
  int32_t lanes;           // a multiple of 16; of 32 to bits
  int32_t channels;        // channels of this block that exist
  const int32_t* start;    // [lane]: bias - sum of q * z, z - 128 where values are signed
  // To bits, per pixel: bit = (sum < limit[lane]) xor flip. Lanes without a channel come out as 0.
  const int32_t* const* limit;
  const uint32_t* const* flip;
  const float* scale;  // to f32: [lane]
  Tail tail;           // to f32: y = float(sum) * scale, then the tail
};

using Int8TileKernel = void (*)(const Int8Tile&);

// Depthwise kernels take unsigned bytes; a run is a tap, whose bytes are those of the block's channels, and weights are
// [tap][lane], 32 bits each.
struct Int8ConvKernels {
  const char* name;
  int max_pixels;
  Int8Form form;
  // [epilogue][lanes / 16 - 1][pixels - 1]
  Int8TileKernel tile[kEpilogues][4][kMaxPixels];
};

// One tile of a convolution of floats with binary weights.
struct BinaryWeightTile {
  const float* const* source;  // per pixel: its first valid tap
  const Run* runs;             // in floats
  int32_t run_count;
  const uint16_t* weight;  // [step][lanes / 16], bit l of element i is lane 16 i + l, 1 meaning -1
  int32_t lanes;           // 16, 32, 48 or 64
  int32_t channels;
  const float* scale;  // [lane]
  const float* bias;   // [lane]
  Tail tail;           // y = sum * scale + bias, two roundings, then the tail
};

using BinaryWeightTileKernel = void (*)(const BinaryWeightTile&);

struct BinaryWeightConvKernels {
  const char* name;
  int max_pixels;
  // [lanes / 16 - 1][pixels - 1]
  BinaryWeightTileKernel tile[4][kMaxPixels];
};

extern const Int8ConvKernels int8_conv_portable;
extern const Int8ConvKernels depthwise_int8_conv_portable;
extern const BinaryWeightConvKernels binary_weight_conv_portable;

#if defined(__x86_64__)
extern const Int8ConvKernels int8_conv_avx512;
extern const Int8ConvKernels depthwise_int8_conv_avx512;
extern const BinaryWeightConvKernels binary_weight_conv_avx512;
extern const Int8ConvKernels int8_conv_avx2;
extern const Int8ConvKernels int8_conv_avx2_vnni;
extern const Int8ConvKernels depthwise_int8_conv_avx2;
extern const BinaryWeightConvKernels binary_weight_conv_avx2;
#elif defined(__aarch64__)
extern const Int8ConvKernels int8_conv_neon;
extern const Int8ConvKernels int8_conv_neon_dot;
extern const Int8ConvKernels depthwise_int8_conv_neon;
extern const BinaryWeightConvKernels binary_weight_conv_neon;
#elif defined(__wasm_simd128__)
extern const Int8ConvKernels int8_conv_wasm;
extern const BinaryWeightConvKernels binary_weight_conv_wasm;
#endif

}  // namespace xnorkit
