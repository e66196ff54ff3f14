// What an operation computes, before any kernel is chosen. The references take these as they are.
#pragma once

#include <cstdint>
#include <vector>

#include "dispatch/kernels.h"
#include "xnorkit/types.h"

namespace xnorkit {

struct FloatConvSpec {
  Shape input;
  Shape output;
  Geometry geometry;
  std::vector<float> weight;  // (O, KH, KW, I)
  std::vector<float> bias;    // (O,)
  bool relu = false;
};

struct BinaryConvSpec {
  Shape input;
  Shape output;
  Geometry geometry;
  std::vector<uint8_t> weight;  // (O, ceil(KH*KW*I / 8)), bits in (KH, KW, I) order
  Epilogue epilogue = kToI32;
  std::vector<int32_t> threshold;  // to bits: (O,) or (OH, OW, O)
  std::vector<uint8_t> flip;       // like threshold
  std::vector<float> scale;        // to f32: (O,)
  std::vector<float> bias;         // to f32: (O,)
  bool relu = false;

  int64_t filter_bits() const { return geometry.taps() * input.channels; }
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

struct MaxPoolSpec {
  Shape input;
  Shape output;
  Geometry geometry;
  std::vector<uint8_t> falling;  // (C,)
};

}  // namespace xnorkit
