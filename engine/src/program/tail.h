// Tails of tiled steps: arrays with a value for every lane, and the tail of one tile.
#pragma once

#include <vector>

#include "program/step.h"

namespace xnorkit {

// A tail arranged for `lanes` lanes, the first `channels` of which exist.
class TailPlan {
 public:
  TailPlan(const TailSpec& spec, int64_t channels, int64_t lanes);

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
  TailTile(const TailPlan& plan, const Operands& io, int sources, int64_t first_lane);
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

}  // namespace xnorkit
