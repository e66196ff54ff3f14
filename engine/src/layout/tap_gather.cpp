#include "layout/tap_gather.h"

#include <algorithm>
#include <cstring>

#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

// Bits that a read of 64 has from any bit of its first byte on.
constexpr int64_t kPiece = 57;

// Cycles per pixel, as measured: of a piece, of a window beside its pieces, and of a step times 64 channels.
constexpr int64_t kPieceCycles = 9;
constexpr int64_t kWindowCycles = 20;

int64_t step_cycles(WeightLayout layout) {
  switch (layout) {
    case kPlain: return 250;
    case kNibbles: return 12;
    case kInterleaved: return 6;
  }
  return 0;
}

// Arranged weights of all regions at most: they should stay in the second-level cache.
constexpr int64_t kMaxWords = 1 << 15;

// Puts bits one behind the other.
class Writer {
 public:
  explicit Writer(uint32_t* to) : to_(reinterpret_cast<char*>(to)) {}

  // 0 <= length <= 64; bits beyond the length are 0.
  void put(uint64_t bits, int64_t length) {
    held_ |= bits << count_;
    count_ += length;
    if (count_ < 64) return;
    std::memcpy(to_, &held_, 8);
    to_ += 8;
    count_ -= 64;
    // What did not fit: the upper `count_` of the `length` bits; none are left of all 64 where nothing was held.
    held_ = count_ == 0 ? 0 : bits >> (length - count_);
  }

  // The rest, in words of 32 bits.
  void finish() {
    for (; count_ > 0; count_ -= 32, held_ >>= 32, to_ += 4) std::memcpy(to_, &held_, 4);
  }

 private:
  char* to_;
  uint64_t held_ = 0;
  int64_t count_ = 0;
};

uint64_t read_bits(const uint64_t* row, int64_t bit, int64_t length) {
  uint64_t bits;
  std::memcpy(&bits, reinterpret_cast<const char*>(row) + bit / 8, sizeof bits);
  return bits >> (bit % 8) & ((uint64_t{1} << length) - 1);
}

}  // namespace

TapGather::TapGather(const BinaryConvSpec& spec, WeightLayout layout)
    : input_(spec.input),
      output_(spec.output),
      geometry_(spec.geometry),
      rows_(spec.input.height + spec.geometry.padding[0] + spec.geometry.padding[2]),
      row_words_(((spec.input.width + spec.geometry.padding[1] + spec.geometry.padding[3]) * spec.input.channels + 63) /
                     64 +
                 1),
      pixel_words_((spec.filter_values() + 31) / 32) {
  const Geometry& g = spec.geometry;
  const int64_t channels = spec.input.channels;
  // Neighbouring taps of a kernel row are one stretch unless they are dilated.
  const int64_t stretch = g.dilation[1] == 1 ? g.kernel[1] * channels : channels;
  int64_t per_row = 0;
  for (int64_t first = 0; first < g.kernel[1] * channels; first += stretch)
    for (int64_t bit = 0; bit < stretch; bit += kPiece, ++per_row) {
      const int64_t from = first * g.dilation[1] + bit;
      if (per_row < kMaxWords) pieces_.push_back({from, std::min(kPiece, stretch - bit)});
    }
  const int64_t saved = g.taps() * spec.input.words() - pixel_words_;
  const int64_t half_blocks = (spec.output.channels + 31) / 32;
  const int64_t cost = kPieceCycles * g.kernel[0] * per_row + kWindowCycles;
  const int64_t borders = std::min(g.kernel[0], spec.output.height) * std::min(g.kernel[1], spec.output.width);
  const int64_t words = (spec.padded() ? borders : 1) * pixel_words_ * 32 * half_blocks;
  const int64_t staged = rows_ * row_words_ * 2 + image_words();
  pays_ = g.groups == 1 && saved * half_blocks * step_cycles(layout) / 2 > cost && words <= kMaxWords &&
          staged <= 16 * (spec.input.elements() + output_.pixels()) * g.taps();
}

void TapGather::fill(const uint32_t* source, uint64_t* scratch, uint32_t* windows, int64_t images, int threads) const {
  const auto pieces = static_cast<double>(pieces_.size()) * static_cast<double>(geometry_.kernel[0]);
  parallel_each(images * rows_, static_cast<double>(images * rows_ * input_.width), grain::kGatheredPieces, threads,
                [&](int64_t row) { fill_row(source, scratch, row); });
  parallel_each(images * output_.height, pieces * static_cast<double>(images * output_.pixels()),
                grain::kGatheredPieces, threads, [&](int64_t row) { gather_row(scratch, windows, row); });
}

// The pixels of a row with its padding, without gaps; `row` counts the rows of all images.
void TapGather::fill_row(const uint32_t* source, uint64_t* rows, int64_t row) const {
  uint64_t* to = rows + row * row_words_;
  std::fill_n(to, row_words_, uint64_t{0});
  const int64_t y = row % rows_ - geometry_.padding[0];
  if (y < 0 || y >= input_.height) return;
  const uint32_t* from = source + (row / rows_ * input_.height + y) * input_.width * input_.words();
  const int64_t skipped = geometry_.padding[1] * input_.channels;
  Writer writer(reinterpret_cast<uint32_t*>(to + skipped / 64));
  writer.put(0, skipped % 64);
  for (int64_t x = 0; x < input_.width; ++x)
    for (int64_t c = 0; c < input_.channels; c += 32) {
      writer.put(*from++, std::min<int64_t>(32, input_.channels - c));
    }
  writer.finish();
}

void TapGather::gather_row(const uint64_t* rows, uint32_t* windows, int64_t row) const {
  const Geometry& g = geometry_;
  const uint64_t* first = rows + (row / output_.height * rows_ + row % output_.height * g.stride[0]) * row_words_;
  for (int64_t ox = 0; ox < output_.width; ++ox) {
    Writer writer(windows + (row * output_.width + ox) * pixel_words_);
    const int64_t start = ox * g.stride[1] * input_.channels;
    for (int64_t ky = 0; ky < g.kernel[0]; ++ky) {
      const uint64_t* from = first + ky * g.dilation[0] * row_words_;
      for (const Piece& piece : pieces_) writer.put(read_bits(from, start + piece.bit, piece.length), piece.length);
    }
    writer.finish();
  }
}

}  // namespace xnorkit
