// What the gradients of a convolution of signs derive from its shape.
#pragma once

#include <cstdint>

#include "contract/sum_kernels.h"
#include "xnorkit/training.h"

namespace xnorkit {

constexpr int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Lanes are (tap, channel of a group), the channels of a tap padded to parts of 16; blocks are 64 lanes. `lane_taps`
// are all taps, or fewer where values of several taps are summed in one lane.
struct SumShape {
  explicit SumShape(const SignConv& conv) : SumShape(conv, conv.geometry.taps()) {}
  SumShape(const SignConv& conv, int64_t lane_taps)
      : taps(lane_taps),
        group_in(conv.in_channels / conv.geometry.groups),
        group_out(conv.out_channels / conv.geometry.groups),
        tap_parts((group_in + 15) / 16),
        parts(taps * tap_parts),
        blocks((parts + kSumParts - 1) / kSumParts),
        out_height(conv.out_height()),
        out_width(conv.out_width()) {}

  int64_t taps;  // that have lanes
  int64_t group_in;
  int64_t group_out;
  int64_t tap_parts;  // per tap
  int64_t parts;      // of all taps
  int64_t blocks;
  int64_t out_height;
  int64_t out_width;

  int64_t positions() const { return out_height * out_width; }
  int64_t tap_of(int64_t part) const { return part / tap_parts; }
  int64_t channel_of(int64_t part) const { return part % tap_parts * 16; }
};

// The step of integers of which 511 reach `most`, and its inverse; a `most` that is no number leaves integers of 0.
struct SumStep {
  explicit SumStep(float most);
  float step;
  float inverse;
};

}  // namespace xnorkit
