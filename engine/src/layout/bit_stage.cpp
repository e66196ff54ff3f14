#include "layout/bit_stage.h"

#include <algorithm>

#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {

BitStage::BitStage(const BinaryConvSpec& spec)
    : input_(spec.input),
      words_(spec.input.words()),
      stride_{spec.geometry.stride[0], spec.geometry.stride[1]},
      top_(spec.geometry.padding[0]),
      left_(spec.geometry.padding[1]),
      rows_((spec.output.height - 1) * stride_[0] + (spec.geometry.kernel[0] - 1) * spec.geometry.dilation[0] + 1),
      columns_(spec.output.width + (spec.geometry.kernel[1] - 1) * spec.geometry.dilation[1] / stride_[1]),
      row_words_(stride_[1] * columns_ * words_) {}

std::vector<int64_t> BitStage::taps(const Geometry& g) const {
  std::vector<int64_t> taps;
  for (int64_t ky = 0; ky < g.kernel[0]; ++ky)
    for (int64_t kx = 0; kx < g.kernel[1]; ++kx) {
      const int64_t right = kx * g.dilation[1];
      const int64_t pixel = right % stride_[1] * columns_ + right / stride_[1];
      taps.push_back(ky * g.dilation[0] * row_words_ + pixel * words_);
    }
  return taps;
}

void BitStage::fill(const uint32_t* source, uint32_t* staged, int64_t images, int threads) const {
  parallel_each(images * rows_, static_cast<double>(images * image_words()), grain::kStagedWords, threads,
                [&](int64_t row) { fill_row(source, staged, row); });
}

// `row` counts the staged rows of all images.
void BitStage::fill_row(const uint32_t* source, uint32_t* staged, int64_t row) const {
  uint32_t* to = staged + row * row_words_;
  const int64_t y = row % rows_ - top_;
  std::fill_n(to, row_words_, 0u);
  if (y < 0 || y >= input_.height) return;
  const uint32_t* from = source + (row / rows_ * input_.height + y) * input_.width * words_;
  if (stride_[1] == 1) {
    std::copy_n(from, std::min(columns_ - left_, input_.width) * words_, to + left_ * words_);
    return;
  }
  for (int64_t first = 0; first < stride_[1]; ++first)
    for (int64_t i = 0; i < columns_; ++i, to += words_) {
      const int64_t x = first + i * stride_[1] - left_;
      if (x >= 0 && x < input_.width) std::copy_n(from + x * words_, words_, to);
    }
}

}  // namespace xnorkit
