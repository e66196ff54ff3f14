// The contract between the program and the kernels: plain structures and tables of function pointers.
// Files with ISA flags include this, so nothing here may be a template, an inline function or from the standard library
// (a copy compiled with wider instructions could otherwise be linked into the portable code).
#pragma once

#include <cstdint>

namespace xnorkit {

// Output channels of a block of arranged weights; the last block may have fewer lanes.
constexpr int kBlockLanes = 64;
constexpr int kMaxPixels = 8;

// `length` consecutive steps (words or floats) of a filter over consecutive elements of the image: neighbouring taps of
// a kernel row lie side by side in both, so they merge into one run. `source` counts from a pixel's first valid tap.
struct Run {
  int32_t source;
  int32_t weight;
  int32_t length;
};

// Operations that are fused into a tail at most, and those that a tail may have: a step may put two of its own first.
constexpr int kMaxFused = 12;
constexpr int kMaxTail = kMaxFused + 2;

// Operations on every float of a value, y -> y', each rounded to float32. r is an element of another value: the same
// element (Value), the pixel's in a value of one channel (Pixel), the channel's in a value of one pixel (Channel).
enum PointwiseKind : int32_t {
  kAddValue,
  kAddPixel,
  kAddChannel,
  kMultiplyValue,
  kMultiplyPixel,
  kMultiplyChannel,
  kScale,  // y * channel[c], constants
  kShift,  // y + channel[c]
  kClip,   // y > low ? y : low, then y < high ? y : high
  kPrelu,  // y >= 0 ? y : y * channel[c]
};

// One of them in a tile.
struct Pointwise {
  PointwiseKind kind;
  const float* channel;         // [lane]
  const float* const* operand;  // per pixel: the block's first channel of r; its only element where r has one
  float low;
  float high;
};

// What a tile of floats does before it stores: `count` operations in order, each rounded to float32, then
// result[p][lane] = y unless `result` is null, and bit = (y < threshold[lane]) xor flip unless `bits` is null.
struct Tail {
  const Pointwise* list;
  int32_t count;
  float* const* result;    // per pixel: the block's first channel
  uint32_t* const* bits;   // per pixel: the block's first word
  const float* threshold;  // [lane]; lanes without a channel have -infinity
  const uint32_t* flip;    // [word]; lanes without a channel have 0
};

enum Epilogue : int { kToBits, kToF32, kToI32, kEpilogues };

// One tile of a binary convolution: up to kMaxPixels output pixels that share their valid taps, times one block.
struct BinaryTile {
  const uint32_t* const* source;  // per pixel: its first valid tap
  void* const* result;            // to bits and to i32, per pixel: the block's first word or channel
  const Run* runs;
  int32_t run_count;
  int32_t filter_words;    // steps of a whole filter: taps * words
  const uint32_t* weight;  // as BinaryConvKernels::layout says
  const uint32_t* mask;    // like weight: 1 where a bit is of the lane's own group; masked kernels only
  int32_t valid_k;         // valid taps * input channels of a group
  int32_t channels;        // channels of this block that exist
  // To bits, per pixel: bit = (differing bits > limit[lane]) xor flip. Lanes without a channel come out as 0.
  const int32_t* const* limit;
  const uint32_t* const* flip;
  bool one_limit;      // all pixels have the same of both
  const float* scale;  // to f32: [lane]
  const float* bias;   // to f32: [lane]
  Tail tail;           // to f32: y = float(dot) * scale + bias, two roundings, then the tail
};

using BinaryTileKernel = void (*)(const BinaryTile&);

// Weights of a block: [lane][step], [step][lane], or [step][byte of the step's word][its low, its high nibble][lane], a
// nibble in a byte, where of 32 lanes lane c is in byte 2 (c % 16) + c / 16.
enum WeightLayout : int { kPlain, kInterleaved, kNibbles };

struct BinaryConvKernels {
  const char* name;
  int max_pixels;
  WeightLayout layout;
  // [epilogue][32 or 64 lanes][pixels - 1]
  BinaryTileKernel tile[kEpilogues][2][kMaxPixels];
};

// One tile of a float convolution: as above, with floats for words.
struct FloatTile {
  const float* const* source;
  const Run* runs;  // depthwise: a run is a tap
  int32_t run_count;
  const float* weight;  // [step][lane]
  int32_t lanes;        // 16, 32, 48 or 64
  int32_t channels;
  const float* bias;  // [lane]
  Tail tail;          // y = sum + bias, then the tail
};

using FloatTileKernel = void (*)(const FloatTile&);

struct FloatConvKernels {
  const char* name;
  int max_pixels;
  // [lanes / 16 - 1][pixels - 1]
  FloatTileKernel tile[4][kMaxPixels];
};

// Consecutive pixels to bits. The steps are 0 where thresholds are per channel, else those of one pixel.
struct PackRow {
  const float* source;
  const float* threshold;
  const uint32_t* flip;
  uint32_t* result;
  int64_t pixels;
  int64_t channels;
  int64_t threshold_step;
  int64_t flip_step;
};

using PackKernel = void (*)(const PackRow&);

// Consecutive pixels of an image in planes (C, H * W) to bits, with a threshold per channel.
struct PackPlanes {
  const float* source;  // the first pixel in the first plane
  int64_t plane_step;   // from a channel's plane to the next
  const float* threshold;
  const uint32_t* flip;
  uint32_t* result;
  int64_t pixels;
  int64_t channels;
};

// Returns false where a float is NaN or infinite.
using PackPlanesKernel = bool (*)(const PackPlanes&);

// Consecutive pixels, channels innermost, to planes: result[c * plane_step + i] = source[i * source_step + c].
struct ToPlanes {
  const float* source;
  int64_t source_step;  // from a pixel to the next
  int64_t pixels;
  int64_t channels;
  float* result;
  int64_t plane_step;
};

using ToPlanesKernel = void (*)(const ToPlanes&);

// Of a batch normalization's backward pass, per channel.
struct NormTerms {
  const float* factor;
  const float* shift;
  const float* slope;
};

// Loops over rows of n floats; y may be x.
struct RowKernels {
  void (*add)(const float* x, const float* r, float* y, int64_t n);
  void (*multiply)(const float* x, const float* r, float* y, int64_t n);
  void (*add_one)(const float* x, float r, float* y, int64_t n);
  void (*multiply_one)(const float* x, float r, float* y, int64_t n);
  void (*divide_one)(const float* x, float r, float* y, int64_t n);
  void (*clip)(const float* x, float low, float high, float* y, int64_t n);
  void (*prelu)(const float* x, const float* slope, float* y, int64_t n);
  // y[i] = the largest, or the sum in order from 0, of taps[0][i] to taps[count - 1][i].
  void (*maximum)(const float* const* taps, int64_t count, float* y, int64_t n);
  void (*sum)(const float* const* taps, int64_t count, float* y, int64_t n);
  // Whether no x is NaN or infinite.
  bool (*finite)(const float* x, int64_t n);
  // y[i] = the sum of |x[i * channels + c]| in the order of c, from 0.
  void (*absolute_sums)(const float* x, int64_t channels, float* y, int64_t n);
  // y[i] = g[i] where bit i of kept is 1, else 0.
  void (*mask)(const float* g, const uint32_t* kept, float* y, int64_t n);
  // q[i] = rint((x[i] - mean[i]) * factor[i]) within +-127, halves to even.
  void (*to_eighths)(const float* x, const float* mean, const float* factor, int8_t* q, int64_t n);
  // sum[i] += g[i], product[i] += g[i] * q[i].
  void (*norm_sums)(const float* g, const int8_t* q, float* sum, float* product, int64_t n);
  // y[i] = g[i] * factor[i] - (shift[i] + q[i] * slope[i]).
  void (*norm_gradient)(const float* g, const int8_t* q, const NormTerms& terms, float* y, int64_t n);
};

struct Int8ConvKernels;
struct BinaryWeightConvKernels;
struct DepthwiseBinaryKernels;

// One instruction set. The pointers to kernels are null for the reference, which runs whole operations.
struct KernelTable {
  const char* name = nullptr;
  bool (*supported)() = nullptr;
  const BinaryConvKernels* binary_conv = nullptr;
  // For linear layers that wait for memory: one bit per weight. Null where binary_conv keeps them like that anyway.
  const BinaryConvKernels* streamed_binary_conv = nullptr;
  // For blocks whose lanes belong to several groups of a grouped convolution: (x ^ w) & mask.
  const BinaryConvKernels* masked_binary_conv = nullptr;
  const FloatConvKernels* float_conv = nullptr;
  // For one filter per channel: a step is a tap of the block's channels, whose values lie at the pixel's.
  const FloatConvKernels* depthwise_conv = nullptr;
  const DepthwiseBinaryKernels* depthwise_binary_conv = nullptr;
  const Int8ConvKernels* int8_conv = nullptr;
  const Int8ConvKernels* depthwise_int8_conv = nullptr;
  const BinaryWeightConvKernels* binary_weight_conv = nullptr;
  PackKernel pack = nullptr;
  PackPlanesKernel pack_planes = nullptr;
  ToPlanesKernel to_planes = nullptr;
  const RowKernels* rows = nullptr;
};

extern const BinaryConvKernels binary_conv_portable;
extern const BinaryConvKernels masked_binary_conv_portable;
extern const FloatConvKernels float_conv_portable;
extern const FloatConvKernels depthwise_conv_portable;
void pack_portable(const PackRow& row);
bool pack_planes_portable(const PackPlanes& planes);
void to_planes_portable(const ToPlanes& job);
extern const RowKernels rows_portable;

#if defined(__x86_64__)
extern const BinaryConvKernels binary_conv_avx512;
extern const BinaryConvKernels masked_binary_conv_avx512;
extern const FloatConvKernels float_conv_avx512;
extern const FloatConvKernels depthwise_conv_avx512;
void pack_avx512(const PackRow& row);
bool pack_planes_avx512(const PackPlanes& planes);
extern const RowKernels rows_avx512;

extern const BinaryConvKernels binary_conv_avx512bw;
extern const BinaryConvKernels binary_conv_avx2;
extern const BinaryConvKernels streamed_binary_conv_avx2;
extern const BinaryConvKernels masked_binary_conv_avx2;
extern const FloatConvKernels float_conv_avx2;
extern const FloatConvKernels depthwise_conv_avx2;
void pack_avx2(const PackRow& row);
bool pack_planes_avx2(const PackPlanes& planes);
void to_planes_avx2(const ToPlanes& job);
extern const RowKernels rows_avx2;
#elif defined(__aarch64__)
extern const BinaryConvKernels binary_conv_neon;
extern const BinaryConvKernels masked_binary_conv_neon;
extern const FloatConvKernels float_conv_neon;
extern const FloatConvKernels depthwise_conv_neon;
void pack_neon(const PackRow& row);
bool pack_planes_neon(const PackPlanes& planes);
#elif defined(__wasm_simd128__)
extern const BinaryConvKernels binary_conv_wasm;
extern const BinaryConvKernels masked_binary_conv_wasm;
extern const FloatConvKernels float_conv_wasm;
void pack_wasm(const PackRow& row);
#endif

}  // namespace xnorkit
