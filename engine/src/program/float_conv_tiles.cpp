#include "program/float_conv_tiles.h"

namespace xnorkit {

bool is_depthwise(const FloatConvSpec& spec) {
  return spec.geometry.groups > 1 && spec.geometry.groups == spec.input.channels &&
         spec.input.channels == spec.output.channels;
}

FloatConvTiles::FloatConvTiles(const KernelTable& table, const FloatConvSpec& spec)
    : depthwise_(is_depthwise(spec)),
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

size_t FloatConvTiles::resident_bytes() const {
  return 4 * (weight_.size() + bias_.size()) + tail_.resident_bytes();
}

std::vector<PixelGroup> FloatConvTiles::groups(const FloatConvSpec& spec) const {
  return group_pixels(spec.input, spec.output, spec.geometry, spec.group_channels());
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
  const float* pixels[kMaxPixels];
  int64_t places[kMaxPixels];
  int64_t batch[kMaxPixels];
  TailTile tail(tail_, io, 1, block.first_channel);
  FloatTile tile;
  tile.source = pixels;
  tile.runs = range.group->runs.data();
  tile.run_count = static_cast<int32_t>(range.group->runs.size());
  tile.weight = weight_.data() + block.first_lane * filter_steps_;
  tile.lanes = static_cast<int32_t>(block.lanes);
  tile.channels = static_cast<int32_t>(block.channels);
  tile.bias = bias_.data() + block.first_lane;
  tile.tail = tail.tail();
  const FloatTileKernel* kernels = kernels_.tile[block.lanes / 16 - 1];
  const float* source = io.source<float>() + (depthwise_ ? block.first_channel : block.group * group_channels_);
  PixelCursor cursor(range, input_.elements(), output_.pixels());
  for (int64_t i = range.begin; i < range.end; ++i) {
    const int count = range.pixels(i);
    for (int p = 0; p < count; ++p, cursor.next()) {
      pixels[p] = source + cursor.source();
      places[p] = cursor.result();
      batch[p] = cursor.image();
    }
    tail.set_pixels(places, batch, count);
    kernels[count - 1](tile);
  }
}

}  // namespace xnorkit
