// Output pixels in regions: which taps of the window lie inside the image.
#pragma once

#include <cstdint>
#include <vector>

#include "contract/kernels.h"
#include "spec/convolutions.h"
#include "xnorkit/types.h"

namespace xnorkit {

// First valid tap and one past the last, of one output row or column: tap k reads first_position + k * dilation, which
// grows with k, so the valid taps are consecutive. Both are 0 where no tap is valid.
struct TapRange {
  int64_t begin;
  int64_t end;

  int64_t count() const { return end - begin; }
};

// Of output row (axis 0) or column (axis 1) `index` over an image of that `size`.
TapRange valid_taps(const Geometry& geometry, int axis, int64_t index, int64_t size);

// The ranges of valid taps of all output rows, or columns, and which of them each line has.
struct Lines {
  std::vector<TapRange> ranges;
  std::vector<size_t> range_of;
};

// Lines that share their valid taps share a range, unless `apart`.
Lines make_lines(const WindowSpec& spec, int axis, bool apart = false);

// Pixels that share their valid taps, hence their runs and their K: the interior, each edge, each corner. Padding is
// exact because padded taps are not there.
struct Region {
  std::vector<int32_t> source;  // per pixel: element of the image where its first valid tap begins
  std::vector<int32_t> result;  // per pixel: output position oy * OW + ox
  std::vector<Run> runs;
  int32_t taps = 0;
};

// An element is a word of bits or a float; every pixel has input.pixel_elements() of them, and a filter meets the first
// `tap_elements` of a tap (all, or those of one group of channels).
std::vector<Region> make_regions(const WindowSpec& spec, int64_t tap_elements);

}  // namespace xnorkit
