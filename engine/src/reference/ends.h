// The scalar truth of the operations of first and last layers; see reference.h.
#pragma once

#include <cstdint>

#include "common/end_spec.h"
#include "common/operands.h"

namespace xnorkit::reference {

// The tail of the floats of an operation with one source, to its results.
void store_tail(const TailSpec& tail, const Shape& shape, const float* floats, const Operands& io, int64_t images);

// Results are words, floats with their tail, or integers, as spec.epilogue says.
void int8_conv2d(const Int8ConvSpec& spec, const Operands& io, int64_t images);

// One rounding per value, from 0, in (kernel row, kernel column, channel) order.
void binary_weight_conv2d(const BinaryWeightConvSpec& spec, const Operands& io, int64_t images);

// A NaN becomes 0.
void quantize_u8(const QuantizeSpec& spec, const float* source, uint8_t* result, int64_t images);

}  // namespace xnorkit::reference
