// How 8-bit images lie in memory while they are convolved: with their padding, as unsigned or signed bytes or in 16
// bits.
#pragma once

#include <cstdint>
#include <vector>

#include "contract/outer_kernels.h"
#include "layout/regions.h"
#include "spec/convolutions.h"

namespace xnorkit {

// `length` consecutive values of the staged image that meet consecutive values of a filter.
struct ValueRun {
  int32_t source;  // in bytes, from a pixel's first tap
  int64_t weight;  // in values of the filter over the input channels of the runs
  int64_t length;
};

// A padded position holds the zero points, so that it adds q * (z - z) = 0 and all pixels read the same taps.
class Int8Stage {
 public:
  // A step that begins within an image, or the lanes of a depthwise tap, may read this far beyond its end.
  static constexpr int64_t kSlack = kBlockLanes;

  Int8Stage(const Int8ConvSpec& spec, Int8Form form);

  // False where the kernels may read the value itself: nothing to pad, to widen or to shift, and no step reads past its
  // run.
  bool is_copy() const { return is_copy_; }
  int64_t image_bytes() const { return rows_ * row_bytes_; }
  int64_t values_per_step() const { return 4 / value_bytes_; }

  // All output pixels, their sources in bytes.
  Region pixels(const Int8ConvSpec& spec) const;

  // The runs of input channels [first, first + width).
  std::vector<ValueRun> runs(const Int8ConvSpec& spec, int64_t first, int64_t width) const;

  // In bytes, from a pixel's first tap to every tap, row after row.
  std::vector<int32_t> taps(const Int8ConvSpec& spec) const;

  void fill(const uint8_t* source, uint8_t* staged, int64_t images, int threads) const;

 private:
  void fill_row(const uint8_t* source, uint8_t* staged, int64_t row) const;

  Shape input_;
  Int8Form form_;
  int64_t top_;
  int64_t value_bytes_;
  int64_t rows_;
  int64_t left_bytes_;
  int64_t row_bytes_;
  bool is_copy_;
  std::vector<uint8_t> padded_row_;
};

}  // namespace xnorkit
