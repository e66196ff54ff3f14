// What the simple operations on floats compute, and those that only move values. The references take these as they are.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/spec.h"
#include "xnorkit/types.h"

namespace xnorkit {

// A chain of pointwise operations on one value; the operands of its list are further sources.
struct PointwiseChainSpec {
  Shape input;
  Shape output;
  TailSpec tail;
};

// f32 windows: the largest valid tap, or the sum of the valid taps (row-major, from 0) / a divisor.
struct PoolSpec {
  enum class Reduction { max, average };
  Shape input;
  Shape output;
  Geometry geometry;
  Reduction reduction = Reduction::max;
  bool count_include_pad = false;  // average: the divisor counts padded taps
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
struct KMapSpec {
  Shape input;
  Shape output;
  Geometry geometry;
};

enum class Function { sigmoid, tanh, silu, gelu, hardsigmoid, hardswish, softmax };

struct ActivationSpec {
  Shape input;
  Shape output;
  Function function = Function::sigmoid;
};

// Zeros around an image, in both directions and in channels; `before` is top, left, channels.
struct PadSpec {
  Shape input;
  Shape output;
  std::array<int64_t, 3> before{0, 0, 0};
};

// Signs -1 around an image of bits; `before` is top, left.
struct PadBitsSpec {
  Shape input;
  Shape output;
  std::array<int64_t, 2> before{0, 0};
};

// Sources of one kind side by side in channels.
struct ConcatSpec {
  std::vector<Shape> inputs;
  Shape output;
};

// y[c] = x[index[c]].
struct GatherChannelsSpec {
  Shape input;
  Shape output;
  std::vector<int32_t> index;
};

// Channels outermost.
struct PlanesSpec {
  Shape input;
  Shape output;
};

}  // namespace xnorkit
