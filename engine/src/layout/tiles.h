// Work items of a convolution: (block of channels) x (tile of pixels), pixels of all images of a batch taken together,
// so that a linear layer (one pixel per image) tiles over the batch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "layout/regions.h"
#include "threads/threads.h"

namespace xnorkit {

// Consecutive tiles [begin, end) of one region. The region's pixels, of all images, are spread evenly over its tiles:
// each tile has `size` of them, the first `larger` tiles one more.
struct TileRange {
  const Region* region;
  int64_t begin;
  int64_t end;
  int64_t size;
  int64_t larger;

  int64_t first_pixel(int64_t tile) const { return tile * size + std::min(tile, larger); }
  int pixels(int64_t tile) const { return static_cast<int>(size + (tile < larger ? 1 : 0)); }
};

class Tiles {
 public:
  Tiles(const std::vector<Region>& regions, int64_t images, int max_pixels) {
    for (const Region& region : regions) {
      const int64_t pixels = images * static_cast<int64_t>(region.source.size());
      const int64_t tiles = (pixels + max_pixels - 1) / max_pixels;
      ranges_.push_back({&region, total_, total_ + tiles, pixels / tiles, pixels % tiles});
      total_ += tiles;
    }
  }

  int64_t total() const { return total_; }

  // Calls visit(range) for the tiles in [begin, end), numbered through all regions.
  template <class Visit>
  void for_each(int64_t begin, int64_t end, const Visit& visit) const {
    for (TileRange range : ranges_) {
      const int64_t start = range.begin;
      range.begin = std::max(begin, start) - start;
      range.end = std::min(end, range.end) - start;
      if (range.begin < range.end) visit(range);
    }
  }

 private:
  std::vector<TileRange> ranges_;
  int64_t total_ = 0;
};

// Calls visit(block, range) for the items in [begin, end) of blocks * tiles.total(): all tiles of a block before the
// next block, so that its weights stay in the nearest cache.
template <class Visit>
void for_each_item(const Tiles& tiles, int64_t begin, int64_t end, const Visit& visit) {
  while (begin < end) {
    const int64_t block = begin / tiles.total();
    const int64_t first = begin % tiles.total();
    const int64_t last = std::min(tiles.total(), first + end - begin);
    tiles.for_each(first, last, [&](const TileRange& range) { visit(block, range); });
    begin += last - first;
  }
}

// The same for all of them, on threads; `cost` and `grain` as for parallel_for.
template <class Visit>
void run_items(const Tiles& tiles, size_t blocks, double cost, double grain, int threads, const Visit& visit) {
  const auto items = static_cast<int64_t>(blocks) * tiles.total();
  parallel_for(items, cost, grain, threads,
               [&](int64_t begin, int64_t end) { for_each_item(tiles, begin, end, visit); });
}

// Walks the pixels of a range: where each begins in the input of the batch, and its place in the output.
class PixelCursor {
 public:
  PixelCursor(const TileRange& range, int64_t input_elements, int64_t output_pixels)
      : count_(static_cast<int64_t>(range.region->source.size())),
        source_(range.region->source.data()),
        result_(range.region->result.data()),
        input_elements_(input_elements),
        output_pixels_(output_pixels) {
    const int64_t first = range.first_pixel(range.begin);
    image_ = first / count_;
    pixel_ = first % count_;
    image_source_ = image_ * input_elements_;
    image_result_ = image_ * output_pixels_;
  }

  // Calls visit(i, source, result, image) for the next `count` pixels. Where they are of one image, which is nearly
  // always, only their two numbers are read for each: a tile is set up in less time than its first steps take.
  template <class Visit>
  void take(int count, const Visit& visit) {
    if (pixel_ + count < count_) {
      const int32_t* const source = source_ + pixel_;
      const int32_t* const result = result_ + pixel_;
      for (int i = 0; i < count; ++i) visit(i, image_source_ + source[i], image_result_ + result[i], image_);
      pixel_ += count;
      return;
    }
    for (int i = 0; i < count; ++i, next()) {
      visit(i, image_source_ + source_[pixel_], image_result_ + result_[pixel_], image_);
    }
  }

 private:
  void next() {
    if (++pixel_ < count_) return;
    pixel_ = 0;
    ++image_;
    image_source_ += input_elements_;
    image_result_ += output_pixels_;
  }

  int64_t count_;
  const int32_t* source_;
  const int32_t* result_;
  int64_t input_elements_;
  int64_t output_pixels_;
  int64_t pixel_;
  int64_t image_;
  int64_t image_source_;
  int64_t image_result_;
};

}  // namespace xnorkit
