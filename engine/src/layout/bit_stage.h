// How images of bits lie in memory while they are convolved with one filter per channel.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/convolutions.h"

namespace xnorkit {

// Rows with their padding, whose bits are 0. Where output pixels are `stride` input pixels apart, a row holds its
// pixels number 0, stride, 2 stride, ... first, then 1, stride + 1, ...: so a tap meets the pixels of an output row
// side by side.
class BitStage {
 public:
  explicit BitStage(const BinaryConvSpec& spec);

  int64_t image_words() const { return rows_ * row_words_; }
  int64_t stride_words() const { return stride_[0] * row_words_; }  // from an output row's first tap to the next row's

  // In words, from the first tap of an output row to every tap, row after row.
  std::vector<int64_t> taps(const Geometry& geometry) const;

  void fill(const uint32_t* source, uint32_t* staged, int64_t images, int threads) const;

 private:
  void fill_row(const uint32_t* source, uint32_t* staged, int64_t row) const;

  Shape input_;
  int64_t words_;
  int64_t stride_[2];
  int64_t top_;
  int64_t left_;
  int64_t rows_;
  int64_t columns_;  // pixels of a row that are a stride apart
  int64_t row_words_;
};

}  // namespace xnorkit
