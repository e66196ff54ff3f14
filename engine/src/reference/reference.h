// The scalar truth of every operation: plain loops over the definition, no plan, no tiles, no arranged weights.
// A kernel is right if it returns these bits.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/float_spec.h"
#include "common/operands.h"
#include "common/spec.h"

namespace xnorkit::reference {

// Rounds to nearest even on the exact x * y + z, like std::fma.
void float_conv2d(const FloatConvSpec& spec, const Operands& io, int64_t images);

// Results are words, floats with their tail, or integers, as spec.epilogue says.
void binary_conv2d(const BinaryConvSpec& spec, const Operands& io, int64_t images);

void pack(const PackSpec& spec, const float* source, uint32_t* result, int64_t images);

void max_pool_bits(const MaxPoolBitsSpec& spec, const uint32_t* source, uint32_t* result, int64_t images);

// The tail of a value of floats: operands in the order of the list; result and bits where the tail asks for them.
void pointwise(const TailSpec& tail, const Shape& shape, const float* value, const void* const* operands, float* result,
               uint32_t* bits, int64_t images);

void pool(const PoolSpec& spec, const float* source, float* result, int64_t images);

// What the average of one window divides by.
float pool_divisor(const PoolSpec& spec, int64_t oy, int64_t ox);

void k_map(const KMapSpec& spec, const float* source, float* result, int64_t images);

void pad(const PadSpec& spec, const float* source, float* result, int64_t images);

void pad_bits(const PadBitsSpec& spec, const uint32_t* source, uint32_t* result, int64_t images);

// Values are floats or words, as the shapes say.
void concat(const ConcatSpec& spec, const void* const* sources, void* result, int64_t images);
void gather_channels(const GatherChannelsSpec& spec, const void* source, void* result, int64_t images);

void planes(const PlanesSpec& spec, const float* source, float* result, int64_t images);

// Taps [begin, end) of a window that lie inside an axis of the image: windows of pools may be far longer than that.
// `start` is where tap 0 lies.
struct Taps {
  Taps(int64_t start, int64_t size, int64_t kernel, int64_t dilation)
      : begin(start < 0 ? (dilation - 1 - start) / dilation : 0),
        end(start < size ? std::min(kernel, (size - start + dilation - 1) / dilation) : 0) {}

  int64_t begin;
  int64_t end;
};

// The value (-1 or +1) of a bit: of channel c of a pixel's words, and of bit k of a filter's bytes.
inline int sign_of(const uint32_t* words, int64_t c) { return (words[c / 32] >> (c % 32)) & 1u ? -1 : 1; }
inline int sign_of(const uint8_t* bytes, int64_t k) { return (bytes[k / 8] >> (k % 8)) & 1u ? -1 : 1; }

// Writes bit c of a pixel's words, which must have been cleared.
inline void set_bit(uint32_t* words, int64_t c, bool bit) { words[c / 32] |= static_cast<uint32_t>(bit) << (c % 32); }

}  // namespace xnorkit::reference
