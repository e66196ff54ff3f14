// Work items of a convolution: (block of channels) x (tile of pixels), pixels of all images of a batch taken together, so
// that a linear layer (one pixel per image) tiles over the batch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "program/groups.h"

namespace xnorkit {

// A tile's pixels, as indices image * (pixels of the group) + pixel.
struct Tile {
  const PixelGroup* group;
  int64_t first;
  int count;
};

class Tiles {
 public:
  Tiles(const std::vector<PixelGroup>& groups, int64_t images, int max_pixels) : images_(images), max_pixels_(max_pixels) {
    for (const PixelGroup& group : groups) {
      const int64_t tiles = (pixels(group) + max_pixels - 1) / max_pixels;
      groups_.push_back({&group, total_, tiles});
      total_ += tiles;
    }
  }

  int64_t total() const { return total_; }

  // Calls visit(tile) for the tiles in [begin, end). A group's pixels are spread evenly over its tiles.
  template <class Visit>
  void for_each(int64_t begin, int64_t end, const Visit& visit) const {
    for (const Span& span : groups_) {
      const int64_t last = std::min(end, span.begin + span.tiles);
      for (int64_t tile = std::max(begin, span.begin); tile < last; ++tile) {
        const int64_t index = tile - span.begin;
        const int64_t size = pixels(*span.group) / span.tiles;
        const int64_t larger = pixels(*span.group) % span.tiles;
        const int64_t first = index * size + std::min(index, larger);
        visit(Tile{span.group, first, static_cast<int>(size + (index < larger ? 1 : 0))});
      }
    }
  }

 private:
  struct Span {
    const PixelGroup* group;
    int64_t begin;
    int64_t tiles;
  };

  int64_t pixels(const PixelGroup& group) const { return images_ * static_cast<int64_t>(group.source.size()); }

  int64_t images_;
  int max_pixels_;
  int64_t total_ = 0;
  std::vector<Span> groups_;
};

// Calls visit(block, tile) for the items in [begin, end) of blocks * tiles.total(): all tiles of a block before the next
// block, so that its weights stay in the nearest cache.
template <class Visit>
void for_each_item(const Tiles& tiles, int64_t begin, int64_t end, const Visit& visit) {
  while (begin < end) {
    const int64_t block = begin / tiles.total();
    const int64_t first = begin % tiles.total();
    const int64_t last = std::min(tiles.total(), first + end - begin);
    tiles.for_each(first, last, [&](const Tile& tile) { visit(block, tile); });
    begin += last - first;
  }
}

}  // namespace xnorkit
