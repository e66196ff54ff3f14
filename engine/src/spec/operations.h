// What every other operation computes, and those that only move values. The references take these as they are.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "contract/activation.h"
#include "spec/convolutions.h"
#include "xnorkit/types.h"

namespace xnorkit {

// An operation on one value.
struct ValueSpec {
  Shape input;
  Shape output;
};

// Floats to bits: bit = (x < threshold) xor flip.
struct PackSpec : ValueSpec {
  std::vector<float> threshold;  // (C,) or (H, W, C)
  std::vector<uint8_t> flip;     // like threshold

  bool per_position() const { return threshold.size() != static_cast<size_t>(input.channels); }
};

// u = clamp(rint(x / scale) + zero_point, 0, 255).
struct QuantizeSpec : ValueSpec {
  float scale = 1.0f;
  uint8_t zero_point = 0;
};

// A chain of pointwise operations on one value; the operands of its list are further sources.
struct PointwiseChainSpec : ValueSpec {
  TailSpec tail;
};

struct ActivationSpec : ValueSpec {
  const ActivationFunction* function = nullptr;
};

struct MaxPoolBitsSpec : WindowSpec {
  std::vector<uint8_t> falling;  // (C,)
};

// f32 windows: the largest valid tap, or the sum of the valid taps (row-major, from 0) / a divisor.
struct PoolSpec : WindowSpec {
  enum class Reduction { max, average };
  Reduction reduction = Reduction::max;
  bool count_include_pad = false;  // average: the divisor counts padded taps

  // What the average of one window divides by.
  float divisor(int64_t oy, int64_t ox) const {
    const auto counted = [this](int axis, int64_t index, int64_t size) {
      const int64_t start = index * geometry.stride[axis] - geometry.padding[axis];
      const int64_t end = start + geometry.kernel[axis];
      if (count_include_pad) return std::min(end, size + geometry.padding[axis + 2]) - start;
      return std::min(end, size) - std::max<int64_t>(start, 0);
    };
    return static_cast<float>(counted(0, oy, input.height) * counted(1, ox, input.width));
  }
};

// A float convolution, then a pool of its value, which is never whole in memory: a ring holds the rows that the windows
// of two bands of the pool need. The convolution's tail has no operands and only stores; `after` has no list.
struct PooledConvSpec {
  FloatConvSpec conv;
  PoolSpec pool;
  Shape output;  // of the pool
  TailSpec after;
  int64_t ring_bytes = 0;  // as many rows in a band as fit, at least one
};

// K of XNOR-Net: the mean of |x| over channels, then the sum of the valid taps / (KH * KW).
struct KMapSpec : WindowSpec {};

// Zeros around an image, in both directions and in channels; `before` is top, left, channels.
struct PadSpec : ValueSpec {
  std::array<int64_t, 3> before{0, 0, 0};
};

// Signs -1 around an image of bits; `before` is top, left.
struct PadBitsSpec : ValueSpec {
  std::array<int64_t, 2> before{0, 0};
};

// Sources of one kind side by side in channels.
struct ConcatSpec {
  std::vector<Shape> inputs;
  Shape output;
};

// y[c] = x[index[c]].
struct GatherChannelsSpec : ValueSpec {
  std::vector<int32_t> index;
};

// Channels outermost.
struct PlanesSpec : ValueSpec {};

}  // namespace xnorkit
