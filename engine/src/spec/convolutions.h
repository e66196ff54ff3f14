// What a convolution computes, before any kernel is chosen, and the tail of pointwise operations behind it. The
// references take these as they are.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "contract/kernels.h"
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
};

// An operation whose output pixels read windows of the input.
struct WindowSpec {
  Shape input;
  Shape output;
  Geometry geometry;

  bool padded() const { return geometry.padding != decltype(geometry.padding){}; }
};

// Output channels are cut into geometry.groups groups, each of which reads its own input channels.
struct ConvSpec : WindowSpec {
  TailSpec tail;  // where results are floats

  int64_t group_channels() const { return input.channels / geometry.groups; }
  int64_t group_outputs() const { return output.channels / geometry.groups; }
  int64_t filter_values() const { return geometry.taps() * group_channels(); }
  int64_t filter_bytes() const { return (filter_values() + 7) / 8; }  // where weights are bits

  // One filter per channel.
  bool depthwise() const {
    return geometry.groups > 1 && geometry.groups == input.channels && input.channels == output.channels;
  }
};

// y = sum of x * weight over the valid taps, + bias.
struct FloatConvSpec : ConvSpec {
  std::vector<float> weight;  // (O, KH, KW, I / groups)
  std::vector<float> bias;    // (O,)
};

// y = (sum of +x or -x over the valid taps) * scale, + bias; x are floats.
struct BinaryWeightConvSpec : ConvSpec {
  std::vector<uint8_t> weight;  // (O, filter_bytes), bits in (KH, KW, I / groups) order, 1 meaning -x
  std::vector<float> scale;     // (O,)
  std::vector<float> bias;      // (O,)
};

// A convolution whose sums are integers.
struct IntegerConvSpec : ConvSpec {
  Epilogue epilogue = kToI32;
  std::vector<int32_t> threshold;  // to bits, (sum < threshold) xor flip: (O,) or (OH, OW, O)
  std::vector<uint8_t> flip;       // like threshold
  std::vector<float> scale;        // to f32: (O,)

  bool per_position() const { return threshold.size() != static_cast<size_t>(output.channels); }
};

struct BinaryConvSpec : IntegerConvSpec {
  std::vector<uint8_t> weight;  // (O, filter_bytes), bits in (KH, KW, I / groups) order
  std::vector<float> bias;      // to f32: (O,)
};

// sum = sum of q * (u - z) over the valid taps, + bias: a padded tap contributes 0, as if its u were z.
struct Int8ConvSpec : IntegerConvSpec {
  std::vector<int8_t> weight;       // q (O, KH, KW, I / groups)
  std::vector<uint8_t> zero_point;  // z (I,)
  std::vector<int32_t> bias;        // (O,)
};

}  // namespace xnorkit
