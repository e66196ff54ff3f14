// Convolution of floats with binary weights as a step.
#include <iterator>
#include <vector>

#include "common/bits.h"
#include "common/large_pages.h"
#include "contract/outer_kernels.h"
#include "layout/channel_blocks.h"
#include "layout/tiles.h"
#include "steps/reference_step.h"
#include "steps/tail.h"
#include "threads/grain.h"

namespace xnorkit {
namespace {

class TiledBinaryWeightConv final : public Step {
 public:
  TiledBinaryWeightConv(const BinaryWeightConvKernels& kernels, const BinaryWeightConvSpec& spec)
      : kernels_(kernels),
        input_(spec.input),
        output_(spec.output),
        group_channels_(spec.group_channels()),
        filter_steps_(spec.filter_values()),
        regions_(make_regions(spec, spec.group_channels())),
        blocks_(channel_blocks(spec.output.channels, spec.geometry.groups, 16)),
        weight_(total_lanes(blocks_) / 16 * filter_steps_),
        scale_(spread_lanes(blocks_, spec.scale.data(), 0.0f)),
        bias_(spread_lanes(blocks_, spec.bias.data(), 0.0f)),
        tail_(spec.tail, spec.output.channels, total_lanes(blocks_)) {
    for (const ChannelBlock& block : blocks_) arrange_weights(spec, block);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const Tiles tiles(regions_, images, kernels_.max_pixels);
    const double cost = static_cast<double>(images * output_.elements()) * static_cast<double>(filter_steps_);
    run_items(tiles, blocks_.size(), cost, grain::kFloatMacs, threads,
              [&](int64_t block, const TileRange& range) { run_tiles(io, blocks_[block], range); });
  }

  size_t resident_bytes() const override { return bytes_of(weight_, scale_, bias_) + tail_.resident_bytes(); }

  const char* kernel() const override { return kernels_.name; }

 private:
  void arrange_weights(const BinaryWeightConvSpec& spec, const ChannelBlock& block) {
    uint16_t* to = weight_.data() + block.first_lane / 16 * filter_steps_;
    for (int64_t lane = 0; lane < block.channels; ++lane) {
      const uint8_t* filter = spec.weight.data() + (block.first_channel + lane) * spec.filter_bytes();
      for (int64_t k = 0; k < filter_steps_; ++k) {
        if (sign_of(filter, k) < 0) to[k * (block.lanes / 16) + lane / 16] |= 1u << (lane % 16);
      }
    }
  }

  void run_tiles(const Operands& io, const ChannelBlock& block, const TileRange& range) const {
    TailTile tail(tail_, io, 1, block.first_channel);
    BinaryWeightTile tile{};
    tile.runs = range.region->runs.data();
    tile.run_count = static_cast<int32_t>(range.region->runs.size());
    tile.weight = weight_.data() + block.first_lane / 16 * filter_steps_;
    tile.lanes = static_cast<int32_t>(block.lanes);
    tile.channels = static_cast<int32_t>(block.channels);
    tile.scale = scale_.data() + block.first_lane;
    tile.bias = bias_.data() + block.first_lane;
    const float* source = io.source<float>() + block.group * group_channels_;
    run_float_tiles(range, {range, input_.elements(), output_.pixels()}, source, tail, tile,
                    kernels_.tile[block.lanes / 16 - 1]);
  }

  const BinaryWeightConvKernels& kernels_;
  Shape input_;
  Shape output_;
  int64_t group_channels_;
  int64_t filter_steps_;
  std::vector<Region> regions_;
  std::vector<ChannelBlock> blocks_;
  WeightVector<uint16_t> weight_;
  std::vector<float> scale_;
  std::vector<float> bias_;
  ArrangedTail tail_;
};

// A depthwise convolution with weights +1 and -1, where one bit of each saves no memory worth it: fma(x, +-1, sum)
// rounds sum +- x once, adding the bias -0 changes no float, and scale and bias come first in the tail, a rounding
// each.
FloatConvSpec with_float_weights(const BinaryWeightConvSpec& spec) {
  FloatConvSpec floats{spec, {}, {}};
  for (int64_t o = 0; o < spec.output.channels; ++o) {
    const uint8_t* filter = spec.weight.data() + o * spec.filter_bytes();
    for (int64_t k = 0; k < spec.filter_values(); ++k) floats.weight.push_back(sign_of(filter, k));
  }
  floats.bias.assign(static_cast<size_t>(spec.output.channels), -0.0f);
  const PointwiseSpec scale_and_bias[] = {{kScale, spec.scale}, {kShift, spec.bias}};
  floats.tail.list.insert(floats.tail.list.begin(), std::begin(scale_and_bias), std::end(scale_and_bias));
  return floats;
}

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, BinaryWeightConvSpec spec) {
  if (table.binary_weight_conv == nullptr) {
    return reference_step(reference::binary_weight_conv2d, spec, bytes_of(spec.weight, spec.scale, spec.bias));
  }
  if (spec.depthwise()) return make_step(table, with_float_weights(spec));
  return std::make_unique<TiledBinaryWeightConv>(*table.binary_weight_conv, spec);
}

}  // namespace xnorkit
