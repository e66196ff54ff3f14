// 8-bit convolution as a step.
#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "common/bits.h"
#include "common/large_pages.h"
#include "contract/outer_kernels.h"
#include "layout/channel_blocks.h"
#include "layout/int8_stage.h"
#include "layout/tiles.h"
#include "steps/reference_step.h"
#include "steps/tail.h"
#include "threads/buffers.h"
#include "threads/grain.h"

namespace xnorkit {
namespace {

// The input channels that the channels of a block read. A block may span groups (words of bits must be whole): lanes
// then have weights 0 for the channels of other groups, which add nothing to an integer sum.
struct InputChannels {
  int64_t begin;
  int64_t end;
};

InputChannels input_channels(const Int8ConvSpec& spec, const ChannelBlock& block) {
  const int64_t last = block.first_channel + block.channels - 1;
  return {block.first_channel / spec.group_outputs() * spec.group_channels(),
          (last / spec.group_outputs() + 1) * spec.group_channels()};
}

class TiledInt8Conv final : public Step {
 public:
  TiledInt8Conv(const KernelTable& table, const Int8ConvSpec& spec)
      : depthwise_(spec.depthwise()),
        kernels_(depthwise_ ? *table.depthwise_int8_conv : *table.int8_conv),
        output_(spec.output),
        epilogue_(spec.epilogue),
        stage_(spec, kernels_.form),
        regions_{stage_.pixels(spec)},
        blocks_(channel_blocks(spec.output.channels, 1, spec.epilogue == kToBits ? 32 : 16)),
        tail_(spec.tail, spec.output.channels, total_lanes(blocks_)),
        cost_per_image_(static_cast<double>(spec.output.elements()) * static_cast<double>(spec.filter_values())) {
    for (const ChannelBlock& block : blocks_) {
      depthwise_ ? arrange_taps(spec, block) : arrange_weights(spec, block);
    }
    arrange_start(spec);
    if (epilogue_ == kToBits) arrange_limits(spec);
    if (epilogue_ == kToF32) scale_ = spread_lanes(blocks_, spec.scale.data(), 0.0f);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto* source = io.source<uint8_t>();
    if (stage_.is_copy()) {
      Buffer buffer = buffers_.borrow(static_cast<size_t>(images * stage_.image_bytes()) + Int8Stage::kSlack);
      auto* staged = reinterpret_cast<uint8_t*>(buffer.memory.get());
      stage_.fill(source, staged, images, threads);
      run_staged(staged, io, images, threads);
      buffers_.give_back(std::move(buffer));
    } else {
      run_staged(source, io, images, threads);
    }
  }

  size_t resident_bytes() const override {
    return bytes_of(weight_, start_, limits_.limit, limits_.flip, scale_) + tail_.resident_bytes();
  }

  const char* kernel() const override { return kernels_.name; }

 private:
  struct BlockWeights {
    std::vector<Run> runs;
    size_t weight;  // where they begin in weight_
  };

  void arrange_weights(const Int8ConvSpec& spec, const ChannelBlock& block) {
    const InputChannels range = input_channels(spec, block);
    const int64_t width = range.end - range.begin;
    const int64_t per_step = stage_.values_per_step();
    BlockWeights arranged{{}, weight_.size()};
    int64_t step = 0;
    for (const ValueRun& run : stage_.runs(spec, range.begin, width)) {
      const int64_t steps = (run.length + per_step - 1) / per_step;
      arranged.runs.push_back({run.source, static_cast<int32_t>(step), static_cast<int32_t>(steps)});
      weight_.resize(weight_.size() + static_cast<size_t>(steps * block.lanes), 0);
      uint32_t* to = weight_.data() + arranged.weight + step * block.lanes;
      for (int64_t lane = 0; lane < block.channels; ++lane) {
        const int64_t o = block.first_channel + lane;
        const int64_t first = o / spec.group_outputs() * spec.group_channels() - range.begin;
        for (int64_t i = 0; i < run.length; ++i) {
          const int64_t c = (run.weight + i) % width - first;
          if (c < 0 || c >= spec.group_channels()) continue;
          const int64_t tap = (run.weight + i) / width;
          const int8_t q = spec.weight[o * spec.filter_values() + tap * spec.group_channels() + c];
          put(to[i / per_step * block.lanes + lane], i % per_step, q);
        }
      }
      step += steps;
    }
    arranged_.push_back(std::move(arranged));
  }

  // A run is a tap of all channels of the block.
  void arrange_taps(const Int8ConvSpec& spec, const ChannelBlock& block) {
    BlockWeights arranged{{}, weight_.size()};
    const std::vector<int32_t> taps = stage_.taps(spec);
    weight_.resize(weight_.size() + taps.size() * static_cast<size_t>(block.lanes), 0);
    for (size_t tap = 0; tap < taps.size(); ++tap) {
      arranged.runs.push_back({taps[tap] + static_cast<int32_t>(block.first_channel), static_cast<int32_t>(tap), 1});
      uint32_t* to = weight_.data() + arranged.weight + tap * static_cast<size_t>(block.lanes);
      for (int64_t lane = 0; lane < block.channels; ++lane) {
        const int32_t q = spec.weight[(block.first_channel + lane) * spec.filter_values() + static_cast<int64_t>(tap)];
        to[lane] = static_cast<uint32_t>(q);
      }
    }
    arranged_.push_back(std::move(arranged));
  }

  // Writes weight i of the 4 or 2 of a step.
  void put(uint32_t& step, int64_t i, int8_t q) const {
    const int16_t wide = q;
    if (kernels_.form == kPairs) {
      std::memcpy(reinterpret_cast<char*>(&step) + 2 * i, &wide, sizeof wide);
    } else {
      std::memcpy(reinterpret_cast<char*>(&step) + i, &q, sizeof q);
    }
  }

  // sum q (u - z) + b over the valid taps = sum q u over all taps + (b - sum q z), as u is z where a tap is padded;
  // both u and z may be less 128. The builder has checked that no result leaves int32; on the way the additions wrap,
  // and wrap back.
  void arrange_start(const Int8ConvSpec& spec) {
    const int64_t less = kernels_.form == kSignedBytes ? 128 : 0;
    std::vector<int32_t> start(spec.bias.size());
    for (int64_t o = 0; o < output_.channels; ++o) {
      int64_t sum = spec.bias[o];
      const uint8_t* zero = spec.zero_point.data() + o / spec.group_outputs() * spec.group_channels();
      const int8_t* filter = spec.weight.data() + o * spec.filter_values();
      for (int64_t k = 0; k < spec.filter_values(); ++k) sum -= filter[k] * (zero[k % spec.group_channels()] - less);
      start[o] = static_cast<int32_t>(static_cast<uint32_t>(sum));
    }
    start_ = spread_lanes(blocks_, start.data(), 0);
  }

  // One row of lanes, or one per position. No sum is below the smallest integer: bits of lanes without a channel are 0.
  void arrange_limits(const Int8ConvSpec& spec) {
    const int64_t lanes = total_lanes(blocks_);
    const int64_t rows = spec.per_position() ? output_.pixels() : 1;
    limits_ = {{}, std::vector<uint32_t>(rows * lanes / 32), lanes, spec.per_position()};
    for (int64_t row = 0; row < rows; ++row) {
      const int32_t* values = spec.threshold.data() + row * output_.channels;
      const auto limit = spread_lanes(blocks_, values, std::numeric_limits<int32_t>::min());
      limits_.limit.insert(limits_.limit.end(), limit.begin(), limit.end());
      for (int64_t o = 0; o < output_.channels; ++o) {
        set_bit(&limits_.flip[row * lanes / 32], o, spec.flip[row * output_.channels + o] != 0);
      }
    }
  }

  void run_staged(const uint8_t* source, const Operands& io, int64_t images, int threads) const {
    const Tiles tiles(regions_, images, kernels_.max_pixels);
    run_items(tiles, blocks_.size(), cost_per_image_ * static_cast<double>(images), grain::kInt8Macs, threads,
              [&](int64_t block, const TileRange& range) { run_tiles(source, io, block, range); });
  }

  void run_tiles(const uint8_t* source, const Operands& io, int64_t index, const TileRange& range) const {
    const ChannelBlock& block = blocks_[index];
    Int8Tile tile{};
    tile.runs = arranged_[index].runs.data();
    tile.run_count = static_cast<int32_t>(arranged_[index].runs.size());
    tile.weight = weight_.data() + arranged_[index].weight;
    tile.lanes = static_cast<int32_t>(block.lanes);
    tile.channels = static_cast<int32_t>(block.channels);
    tile.start = start_.data() + block.first_lane;
    const Int8TileKernel* kernels = kernels_.tile[epilogue_][block.lanes / 16 - 1];
    const PixelCursor cursor(range, stage_.image_bytes(), output_.pixels());
    if (epilogue_ == kToF32) {
      tile.scale = scale_.data() + block.first_lane;
      TailTile tail(tail_, io, 1, block.first_channel);
      run_float_tiles(range, cursor, source, tail, tile, kernels);
    } else {
      const LimitRows* limits = epilogue_ == kToBits ? &limits_ : nullptr;
      run_integer_tiles(range, cursor, source, io, output_, limits, 0, block.first_channel, tile, kernels);
    }
  }

  bool depthwise_;
  const Int8ConvKernels& kernels_;
  Shape output_;
  Epilogue epilogue_;
  Int8Stage stage_;
  std::vector<Region> regions_;  // one: all pixels read the same taps
  std::vector<ChannelBlock> blocks_;
  ArrangedTail tail_;
  double cost_per_image_;
  std::vector<BlockWeights> arranged_;
  WeightVector<uint32_t> weight_;
  std::vector<int32_t> start_;
  LimitRows limits_;
  std::vector<float> scale_;
  mutable Buffers buffers_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, Int8ConvSpec spec) {
  if (table.int8_conv == nullptr) {
    return reference_step(reference::int8_conv2d, spec,
                          bytes_of(spec.weight, spec.zero_point, spec.bias, spec.threshold, spec.flip, spec.scale));
  }
  return std::make_unique<TiledInt8Conv>(table, spec);
}

}  // namespace xnorkit
