// What an operation computes, before any kernel is chosen. The references take these as they are.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "dispatch/kernels.h"
#include "xnorkit/types.h"

namespace xnorkit {

// One operation on every float of a value; see PointwiseKind.
struct PointwiseSpec {
  PointwiseKind kind;
  std::vector<float> values;  // kScale, kShift: (C,) or (H, W, C); kPrelu: (C,)
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();

  bool has_operand() const { return kind <= kMultiplyChannel; }
};

// What a producer of floats does with them before they leave its registers: the operations of `list` in order, each
// rounded to float32 by itself, then stores. At least one of the stores is asked for. The planner fuses; a builder
// leaves it empty, and an empty tail stores the floats.
struct TailSpec {
  std::vector<PointwiseSpec> list;
  bool store = true;             // the floats: the step's first result
  bool bits = false;             // bit = (y < threshold[c]) xor flip[c]: the step's second result
  std::vector<float> threshold;  // (C,)
  std::vector<uint8_t> flip;     // (C,)

  bool empty() const { return list.empty() && store && !bits; }
};

struct FloatConvSpec {
  Shape input;
  Shape output;
  Geometry geometry;
  std::vector<float> weight;  // (O, KH, KW, I / groups)
  std::vector<float> bias;    // (O,)
  TailSpec tail;

  int64_t group_channels() const { return input.channels / geometry.groups; }
  int64_t filter_values() const { return geometry.taps() * group_channels(); }
};

struct BinaryConvSpec {
  Shape input;
  Shape output;
  Geometry geometry;
  std::vector<uint8_t> weight;  // (O, ceil(KH*KW*I/g / 8)), bits in (KH, KW, I/g) order
  Epilogue epilogue = kToI32;
  std::vector<int32_t> threshold;  // to bits: (O,) or (OH, OW, O)
  std::vector<uint8_t> flip;       // like threshold
  std::vector<float> scale;        // to f32: (O,)
  std::vector<float> bias;         // to f32: (O,)
  TailSpec tail;                   // to f32

  int64_t group_channels() const { return input.channels / geometry.groups; }
  int64_t filter_bits() const { return geometry.taps() * group_channels(); }
  int64_t filter_bytes() const { return (filter_bits() + 7) / 8; }
  bool per_position() const { return threshold.size() != static_cast<size_t>(output.channels); }
};

struct PackSpec {
  Shape input;
  Shape output;
  std::vector<float> threshold;  // (C,) or (H, W, C)
  std::vector<uint8_t> flip;     // like threshold

  bool per_position() const { return threshold.size() != static_cast<size_t>(input.channels); }
};

struct MaxPoolBitsSpec {
  Shape input;
  Shape output;
  Geometry geometry;
  std::vector<uint8_t> falling;  // (C,)
};

}  // namespace xnorkit
