// Float convolution: its tiles, and the step that computes a whole value of them.
#include "steps/float_conv.h"

#include "steps/reference_step.h"
#include "threads/grain.h"

namespace xnorkit {

FloatConvTiles::FloatConvTiles(const KernelTable& table, const FloatConvSpec& spec)
    : depthwise_(spec.depthwise()),
      kernels_(depthwise_ ? *table.depthwise_conv : *table.float_conv),
      input_(spec.input),
      output_(spec.output),
      group_channels_(spec.group_channels()),
      filter_steps_(spec.filter_values()),
      blocks_(channel_blocks(spec.output.channels, depthwise_ ? 1 : spec.geometry.groups, 16)),
      weight_(total_lanes(blocks_) * filter_steps_),
      bias_(spread_lanes(blocks_, spec.bias.data(), 0.0f)),
      tail_(spec.tail, spec.output.channels, total_lanes(blocks_)) {
  for (const ChannelBlock& block : blocks_) arrange_weights(spec, block);
}

size_t FloatConvTiles::resident_bytes() const { return bytes_of(weight_, bias_) + tail_.resident_bytes(); }

std::vector<Region> FloatConvTiles::regions(const FloatConvSpec& spec) const {
  return make_regions(spec, spec.group_channels());
}

void FloatConvTiles::arrange_weights(const FloatConvSpec& spec, const ChannelBlock& block) {
  float* to = weight_.data() + block.first_lane * filter_steps_;
  for (int64_t lane = 0; lane < block.channels; ++lane) {
    const float* filter = spec.weight.data() + (block.first_channel + lane) * filter_steps_;
    for (int64_t k = 0; k < filter_steps_; ++k) to[k * block.lanes + lane] = filter[k];
  }
}

void FloatConvTiles::run(const Operands& io, int64_t index, const TileRange& range) const {
  const ChannelBlock& block = blocks_[index];
  TailTile tail(tail_, io, 1, block.first_channel);
  FloatTile tile{};
  tile.runs = range.region->runs.data();
  tile.run_count = static_cast<int32_t>(range.region->runs.size());
  tile.weight = weight_.data() + block.first_lane * filter_steps_;
  tile.lanes = static_cast<int32_t>(block.lanes);
  tile.channels = static_cast<int32_t>(block.channels);
  tile.bias = bias_.data() + block.first_lane;
  const float* source = io.source<float>() + (depthwise_ ? block.first_channel : block.group * group_channels_);
  run_float_tiles(range, {range, input_.elements(), output_.pixels()}, source, tail, tile,
                  kernels_.tile[block.lanes / 16 - 1]);
}

namespace {

class TiledFloatConv final : public Step {
 public:
  TiledFloatConv(const KernelTable& table, const FloatConvSpec& spec)
      : conv_(table, spec), regions_(conv_.regions(spec)), pixels_(spec.output.pixels()) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const Tiles tiles(regions_, images, conv_.max_pixels());
    const double cost = static_cast<double>(images * pixels_) * conv_.pixel_cost();
    run_items(tiles, conv_.blocks(), cost, grain::kFloatMacs, threads,
              [&](int64_t block, const TileRange& range) { conv_.run(io, block, range); });
  }

  size_t resident_bytes() const override { return conv_.resident_bytes(); }

  const char* kernel() const override { return conv_.kernel(); }

 private:
  FloatConvTiles conv_;
  std::vector<Region> regions_;
  int64_t pixels_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, FloatConvSpec spec) {
  if (table.float_conv == nullptr)
    return reference_step(reference::float_conv2d, spec, bytes_of(spec.weight, spec.bias));
  return std::make_unique<TiledFloatConv>(table, spec);
}

}  // namespace xnorkit
