// The scalar truth of every operation: plain loops over the definition, no plan, no tiles, no arranged weights.
// A kernel is right if it returns these bits.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/bits.h"
#include "spec/operands.h"
#include "spec/operations.h"

namespace xnorkit::reference {

// One rounding of the exact x * y + z per step, to nearest even (common/fma.h).
void float_conv2d(const FloatConvSpec& spec, const Operands& io, int64_t images);

// One rounding per value, from 0, in (kernel row, kernel column, channel) order.
void binary_weight_conv2d(const BinaryWeightConvSpec& spec, const Operands& io, int64_t images);

// Results are words, floats with their tail, or integers, as spec.epilogue says.
void binary_conv2d(const BinaryConvSpec& spec, const Operands& io, int64_t images);
void int8_conv2d(const Int8ConvSpec& spec, const Operands& io, int64_t images);

// The tail of the floats of an operation with one source, to its results.
void store_tail(const TailSpec& tail, const Shape& shape, const float* floats, const Operands& io, int64_t images);
void pointwise(const PointwiseChainSpec& spec, const Operands& io, int64_t images);

void pack(const PackSpec& spec, const Operands& io, int64_t images);
// A NaN becomes 0.
void quantize_u8(const QuantizeSpec& spec, const Operands& io, int64_t images);

void max_pool_bits(const MaxPoolBitsSpec& spec, const Operands& io, int64_t images);
void pool(const PoolSpec& spec, const Operands& io, int64_t images);
void pooled_conv(const PooledConvSpec& spec, const Operands& io, int64_t images);
void k_map(const KMapSpec& spec, const Operands& io, int64_t images);

void pad(const PadSpec& spec, const Operands& io, int64_t images);
void pad_bits(const PadBitsSpec& spec, const Operands& io, int64_t images);
// Values are floats or words, as the shapes say.
void concat(const ConcatSpec& spec, const Operands& io, int64_t images);
void gather_channels(const GatherChannelsSpec& spec, const Operands& io, int64_t images);
void planes(const PlanesSpec& spec, const Operands& io, int64_t images);

// Taps [begin, end) of a window that lie inside an axis of the image: windows of pools may be far longer than that.
// `start` is where tap 0 lies.
struct Taps {
  Taps(int64_t start, int64_t size, int64_t kernel, int64_t dilation)
      : begin(start < 0 ? (dilation - 1 - start) / dilation : 0),
        end(start < size ? std::min(kernel, (size - start + dilation - 1) / dilation) : 0) {}

  int64_t begin;
  int64_t end;
};

}  // namespace xnorkit::reference
