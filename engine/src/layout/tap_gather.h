// Taps of few channels side by side: for every output pixel of a binary convolution the bits of its window in one
// piece, as its filters have them, instead of words that are mostly empty.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/convolutions.h"

namespace xnorkit {

class TapGather {
 public:
  // For kernels that take weights in `layout`.
  TapGather(const BinaryConvSpec& spec, WeightLayout layout);

  // Whether the steps saved are worth the gathering.
  bool pays() const { return pays_; }

  int64_t pixel_words() const { return pixel_words_; }  // of a window
  int64_t image_words() const { return output_.pixels() * pixel_words_; }
  // Bytes that `fill` needs beside the result.
  int64_t scratch_bytes(int64_t images) const { return 8 * images * rows_ * row_words_; }

  // The windows of all images: (images, OH, OW, pixel_words), bits in (KH, KW, I) order; padded taps are 0.
  void fill(const uint32_t* source, uint64_t* scratch, uint32_t* windows, int64_t images, int threads) const;

 private:
  // Consecutive bits of a window that are consecutive in a row too, few enough to be read at once.
  struct Piece {
    int64_t bit;  // from the first bit of the window's row
    int64_t length;
  };

  void fill_row(const uint32_t* source, uint64_t* rows, int64_t row) const;
  void gather_row(const uint64_t* rows, uint32_t* windows, int64_t row) const;

  Shape input_;
  Shape output_;
  Geometry geometry_;
  int64_t rows_;       // of an image with its padding
  int64_t row_words_;  // of 64 bits; one more than the bits need, for reads
  int64_t pixel_words_;
  std::vector<Piece> pieces_;  // of all taps
  bool pays_;
};

}  // namespace xnorkit
