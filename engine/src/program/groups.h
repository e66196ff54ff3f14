// Output pixels grouped by which taps of the window lie inside the image.
#pragma once

#include <cstdint>
#include <vector>

#include "dispatch/kernels.h"
#include "xnorkit/types.h"

namespace xnorkit {

// First valid tap and one past the last, of one output row or column: tap k reads first_position + k * dilation, which
// grows with k, so the valid taps are consecutive. Both are 0 where no tap is valid.
struct TapRange {
  int64_t begin;
  int64_t end;
};

TapRange valid_taps(int64_t output_index, int64_t size, int64_t kernel, int64_t stride, int64_t padding,
                    int64_t dilation);

// Pixels that share their valid taps, hence their runs and their K: the interior, each edge, each corner. Padding is
// exact because padded taps are not there.
struct PixelGroup {
  std::vector<int32_t> source;  // per pixel: element of the image where its first valid tap begins
  std::vector<int32_t> result;  // per pixel: output position oy * OW + ox
  std::vector<Run> runs;
  int32_t taps = 0;
};

// An element is a word of bits or a float; every pixel has input.pixel_elements() of them, and a filter meets the first
// `tap_elements` of a tap (all, or those of one group of channels).
std::vector<PixelGroup> group_pixels(const Shape& input, const Shape& output, const Geometry& geometry,
                                     int64_t tap_elements);

}  // namespace xnorkit
