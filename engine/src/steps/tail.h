// Tails of tiled steps: arrays with a value for every lane, and the tail of one tile; and the walks over tiles that end
// in one, or in bits or integers.
#pragma once

#include <vector>

#include "layout/tiles.h"
#include "steps/step.h"

namespace xnorkit {

// A tail arranged for `lanes` lanes, the first `channels` of which exist.
class ArrangedTail {
 public:
  ArrangedTail(const TailSpec& spec, int64_t channels, int64_t lanes);

  size_t resident_bytes() const;

 private:
  friend class TailTile;

  TailSpec spec_;
  int64_t channels_;
  std::vector<uint32_t> flip_;  // words of flags
};

// The tail of the tiles of one block of lanes: `set_pixels` for every tile, then `tail` for its kernel.
class TailTile {
 public:
  // The tail's operands follow the first `sources` sources.
  TailTile(const ArrangedTail& arranged, const Operands& io, int sources, int64_t first_lane);
  TailTile(const TailTile&) = delete;
  TailTile& operator=(const TailTile&) = delete;

  // The pixels of a tile: their numbers in the batch, and those of their images. A call, so that the caller keeps its
  // registers: stores wait in one queue with those of the kernel, and setting up a tile must not fill it.
  void set_pixels(const int64_t* pixel, const int64_t* image, int count);

  const Tail& tail() const { return tail_; }

 private:
  Tail tail_{};
  int64_t channels_;
  int64_t pixel_words_;
  float* floats_ = nullptr;
  uint32_t* words_ = nullptr;
  float* result_[kMaxPixels];
  uint32_t* bits_[kMaxPixels];
  Pointwise list_[kMaxTail];
  int operands_ = 0;
  const float* source_[kMaxTail];
  int64_t pixel_step_[kMaxTail];
  int64_t image_step_[kMaxTail];
  const float* operand_[kMaxTail][kMaxPixels];
};

// Limits and flips of results that are bits: rows of lanes, one per position of the output or one for many pixels.
struct LimitRows {
  std::vector<int32_t> limit;  // [row][lane]
  std::vector<uint32_t> flip;  // [row][word]
  int64_t lanes;               // whole words
  bool per_position;
};

// Computes the tiles of a range with a tail: sets the pixels of each, then calls the kernel of that many pixels.
template <class Element, class Tile>
void run_float_tiles(const TileRange& range, PixelCursor cursor, const Element* source, TailTile& tail, Tile tile,
                     void (*const* kernels)(const Tile&)) {
  const Element* pixels[kMaxPixels];
  int64_t places[kMaxPixels];
  int64_t batch[kMaxPixels];
  tile.source = pixels;
  tile.tail = tail.tail();
  for (int64_t i = range.begin; i < range.end; ++i) {
    const int count = range.pixels(i);
    cursor.take(count, [&](int p, int64_t from, int64_t place, int64_t image) {
      pixels[p] = source + from;
      places[p] = place;
      batch[p] = image;
    });
    tail.set_pixels(places, batch, count);
    kernels[count - 1](tile);
  }
}

// The same to bits, or to integers where `rows` is null. The tiles' channels begin at `first_lane`; where limits are
// not per position, `row` is theirs.
template <class Element, class Tile>
void run_integer_tiles(const TileRange& range, PixelCursor cursor, const Element* source, const Operands& io,
                       const Shape& output, const LimitRows* rows, int64_t row, int64_t first_lane, Tile tile,
                       void (*const* kernels)(const Tile&)) {
  const Element* pixels[kMaxPixels];
  void* results[kMaxPixels];
  const int32_t* limits[kMaxPixels];
  const uint32_t* flips[kMaxPixels];
  const auto set_row = [&](int p, int64_t at) {
    limits[p] = rows->limit.data() + at * rows->lanes + first_lane;
    flips[p] = rows->flip.data() + (at * rows->lanes + first_lane) / 32;
  };
  for (int p = 0; p < kMaxPixels && rows != nullptr; ++p) set_row(p, row);
  const bool per_position = rows != nullptr && rows->per_position;
  const int64_t result_step = output.pixel_elements();
  const int64_t output_pixels = output.pixels();
  uint32_t* const result = io.result<uint32_t>() + (output.kind == Kind::bits ? first_lane / 32 : first_lane);
  tile.source = pixels;
  tile.result = results;
  tile.limit = limits;
  tile.flip = flips;
  for (int64_t i = range.begin; i < range.end; ++i) {
    const int count = range.pixels(i);
    cursor.take(count, [&](int p, int64_t from, int64_t place, int64_t image) {
      pixels[p] = source + from;
      results[p] = result + place * result_step;
      if (per_position) set_row(p, place - image * output_pixels);
    });
    kernels[count - 1](tile);
  }
}

}  // namespace xnorkit
