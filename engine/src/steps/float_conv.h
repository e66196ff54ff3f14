// Float convolution in tiles: arranged weights, and the tiles of a block. Which pixels, and when, is the step's affair.
#pragma once

#include <vector>

#include "common/large_pages.h"
#include "layout/channel_blocks.h"
#include "layout/tiles.h"
#include "spec/convolutions.h"
#include "steps/tail.h"

namespace xnorkit {

class FloatConvTiles {
 public:
  FloatConvTiles(const KernelTable& table, const FloatConvSpec& spec);

  size_t blocks() const { return blocks_.size(); }
  int max_pixels() const { return kernels_.max_pixels; }
  const char* kernel() const { return kernels_.name; }
  size_t resident_bytes() const;

  // Multiply-adds of one output pixel.
  double pixel_cost() const { return static_cast<double>(output_.channels * filter_steps_); }

  // The output pixels as the tiles take them.
  std::vector<Region> regions(const FloatConvSpec& spec) const;

  // Computes the tiles of `range` for one block of channels: pixels go to the places that their region names, whole
  // images apart.
  void run(const Operands& io, int64_t block, const TileRange& range) const;

 private:
  void arrange_weights(const FloatConvSpec& spec, const ChannelBlock& block);

  bool depthwise_;
  const FloatConvKernels& kernels_;
  Shape input_;
  Shape output_;
  int64_t group_channels_;
  int64_t filter_steps_;
  std::vector<ChannelBlock> blocks_;
  WeightVector<float> weight_;
  std::vector<float> bias_;
  ArrangedTail tail_;
};

}  // namespace xnorkit
