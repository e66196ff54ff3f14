// What the operations of first and last layers compute, before any kernel is chosen: 8-bit integers, and binary weights
// that meet float activations. The references take these as they are.
#pragma once

#include <cstdint>
#include <vector>

#include "common/spec.h"
#include "dispatch/kernels.h"
#include "xnorkit/types.h"

namespace xnorkit {

// sum = sum of q * (u - z) over the valid taps, + bias: a padded tap contributes 0, as if its u were z.
struct Int8ConvSpec {
  Shape input;  // u8
  Shape output;
  Geometry geometry;
  std::vector<int8_t> weight;       // q (O, KH, KW, I / groups)
  std::vector<uint8_t> zero_point;  // z (I,)
  std::vector<int32_t> bias;        // (O,)
  Epilogue epilogue = kToI32;
  std::vector<int32_t> threshold;  // to bits: (O,) or (OH, OW, O)
  std::vector<uint8_t> flip;       // like threshold
  std::vector<float> scale;        // to f32: (O,)
  TailSpec tail;                   // to f32

  int64_t group_channels() const { return input.channels / geometry.groups; }
  int64_t filter_values() const { return geometry.taps() * group_channels(); }
  bool per_position() const { return threshold.size() != static_cast<size_t>(output.channels); }
};

// y = (sum of +x or -x over the valid taps) * scale, + bias.
struct BinaryWeightConvSpec {
  Shape input;  // f32
  Shape output;
  Geometry geometry;
  std::vector<uint8_t> weight;  // (O, ceil(KH*KW*I/groups / 8)), bits in (KH, KW, I) order, 1 meaning -x
  std::vector<float> scale;     // (O,)
  std::vector<float> bias;      // (O,)
  TailSpec tail;

  int64_t group_channels() const { return input.channels / geometry.groups; }
  int64_t filter_bits() const { return geometry.taps() * group_channels(); }
  int64_t filter_bytes() const { return (filter_bits() + 7) / 8; }
};

// u = clamp(rint(x / scale) + zero_point, 0, 255).
struct QuantizeSpec {
  Shape input;   // f32
  Shape output;  // u8
  float scale = 1.0f;
  uint8_t zero_point = 0;
};

}  // namespace xnorkit
