// 8-bit convolution as a step.
#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "common/large_pages.h"
#include "dispatch/end_kernels.h"
#include "program/channel_blocks.h"
#include "program/int8_stage.h"
#include "program/scratch.h"
#include "program/step.h"
#include "program/tail.h"
#include "program/threads.h"
#include "program/tiles.h"
#include "reference/ends.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Multiply-adds that keep a thread busy for some microseconds.
constexpr double kGrain = 1e6;

class ReferenceInt8Conv final : public Step {
 public:
  explicit ReferenceInt8Conv(Int8ConvSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int) const override { reference::int8_conv2d(spec_, io, images); }

  const char* kernel() const override { return "reference"; }

  size_t resident_bytes() const override {
    return spec_.weight.size() + spec_.zero_point.size() + spec_.flip.size() +
           4 * (spec_.bias.size() + spec_.threshold.size() + spec_.scale.size());
  }

 private:
  Int8ConvSpec spec_;
};

// The input channels that the channels of a block read. A block may span groups (words of bits must be whole): lanes
// then have weights 0 for the channels of other groups, which add nothing to an integer sum.
struct InputChannels {
  int64_t begin;
  int64_t end;
};

InputChannels input_channels(const Int8ConvSpec& spec, const ChannelBlock& block) {
  const int64_t per_group = spec.output.channels / spec.geometry.groups;
  return {block.first_channel / per_group * spec.group_channels(),
          ((block.first_channel + block.channels - 1) / per_group + 1) * spec.group_channels()};
}

class TiledInt8Conv final : public Step {
 public:
  TiledInt8Conv(const KernelTable& table, const Int8ConvSpec& spec)
      : depthwise_(is_depthwise(spec)),
        kernels_(depthwise_ ? *table.depthwise_int8_conv : *table.int8_conv),
        output_(spec.output),
        epilogue_(spec.epilogue),
        per_position_(spec.epilogue == kToBits && spec.per_position()),
        stage_(spec, kernels_.form),
        pixels_{stage_.pixels(spec)},
        blocks_(channel_blocks(spec.output.channels, 1, spec.epilogue == kToBits ? 32 : 16)),
        lanes_(total_lanes(blocks_)),
        tail_(spec.tail, spec.output.channels, lanes_),
        cost_per_image_(static_cast<double>(spec.output.elements()) * static_cast<double>(spec.filter_values())) {
    for (const ChannelBlock& block : blocks_) {
      depthwise_ ? arrange_taps(spec, block) : arrange_weights(spec, block);
    }
    arrange_start(spec);
    if (epilogue_ == kToBits) arrange_thresholds(spec);
    if (epilogue_ == kToF32) scale_ = spread_lanes(blocks_, spec.scale.data(), 0.0f);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto* source = io.source<uint8_t>();
    if (stage_.is_copy()) {
      auto scratch = scratch_.borrow(static_cast<size_t>(images * stage_.image_bytes()) + Int8Stage::kSlack);
      auto* staged = reinterpret_cast<uint8_t*>(scratch.second.get());
      stage_.fill(source, staged, images, threads);
      run_staged(staged, io, images, threads);
      scratch_.give_back(std::move(scratch));
    } else {
      run_staged(source, io, images, threads);
    }
  }

  size_t resident_bytes() const override {
    return 4 * (weight_.size() + start_.size() + threshold_.size() + flip_.size() + scale_.size()) +
           tail_.resident_bytes();
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
    const int64_t per_group = spec.output.channels / spec.geometry.groups;
    BlockWeights arranged{{}, weight_.size()};
    int64_t step = 0;
    for (const ValueRun& run : stage_.runs(spec, range.begin, width)) {
      const int64_t steps = (run.length + per_step - 1) / per_step;
      arranged.runs.push_back({run.source, static_cast<int32_t>(step), static_cast<int32_t>(steps)});
      weight_.resize(weight_.size() + static_cast<size_t>(steps * block.lanes), 0);
      uint32_t* to = weight_.data() + arranged.weight + step * block.lanes;
      for (int64_t lane = 0; lane < block.channels; ++lane) {
        const int64_t o = block.first_channel + lane;
        const int64_t first = o / per_group * spec.group_channels() - range.begin;
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

  // sum q (u - z) + b over the valid taps = sum q u over all taps + (b - sum q z), as u is z where a tap is padded; both
  // u and z may be less 128. The builder has checked that no result leaves int32; on the way the additions wrap, and
  // wrap back.
  void arrange_start(const Int8ConvSpec& spec) {
    const int64_t per_group = spec.output.channels / spec.geometry.groups;
    const int64_t less = kernels_.form == kSignedBytes ? 128 : 0;
    std::vector<int32_t> start(spec.bias.size());
    for (int64_t o = 0; o < output_.channels; ++o) {
      int64_t sum = spec.bias[o];
      const uint8_t* zero = spec.zero_point.data() + o / per_group * spec.group_channels();
      const int8_t* filter = spec.weight.data() + o * spec.filter_values();
      for (int64_t k = 0; k < spec.filter_values(); ++k) sum -= filter[k] * (zero[k % spec.group_channels()] - less);
      start[o] = static_cast<int32_t>(static_cast<uint32_t>(sum));
    }
    start_ = spread_lanes(blocks_, start.data(), 0);
  }

  // One row of lanes, or one per position. No sum is below the smallest integer: bits of lanes without a channel are 0.
  void arrange_thresholds(const Int8ConvSpec& spec) {
    const int64_t rows = per_position_ ? output_.pixels() : 1;
    flip_.assign(rows * lanes_ / 32, 0);
    for (int64_t row = 0; row < rows; ++row) {
      const int32_t* values = spec.threshold.data() + row * output_.channels;
      const auto lanes = spread_lanes(blocks_, values, std::numeric_limits<int32_t>::min());
      threshold_.insert(threshold_.end(), lanes.begin(), lanes.end());
      for (int64_t o = 0; o < output_.channels; ++o) {
        reference::set_bit(&flip_[row * lanes_ / 32], o, spec.flip[row * output_.channels + o] != 0);
      }
    }
  }

  void run_staged(const uint8_t* source, const Operands& io, int64_t images, int threads) const {
    const Tiles tiles(pixels_, images, kernels_.max_pixels);
    const auto items = static_cast<int64_t>(blocks_.size()) * tiles.total();
    parallel_for(items, cost_per_image_ * static_cast<double>(images), kGrain, threads,
                 [&](int64_t begin, int64_t end) {
                   for_each_item(tiles, begin, end, [&](int64_t block, const TileRange& range) {
                     run_tiles(source, io, block, range);
                   });
                 });
  }

  void run_tiles(const uint8_t* source, const Operands& io, int64_t index, const TileRange& range) const {
    const ChannelBlock& block = blocks_[index];
    // To bits and to integers; the tail has its own results.
    const int64_t first_element = epilogue_ == kToBits ? block.first_channel / 32 : block.first_channel;
    uint32_t* const result = epilogue_ == kToF32 ? nullptr : io.result<uint32_t>() + first_element;
    const Int8TileKernel* kernels = kernels_.tile[epilogue_][block.lanes / 16 - 1];
    const uint8_t* pixels[kMaxPixels];
    void* results[kMaxPixels];
    const int32_t* thresholds[kMaxPixels];
    const uint32_t* flips[kMaxPixels];
    const auto set_row = [&](int p, int64_t row) {
      thresholds[p] = threshold_.data() + row * lanes_ + block.first_lane;
      flips[p] = flip_.data() + (row * lanes_ + block.first_lane) / 32;
    };
    for (int p = 0; p < kMaxPixels && epilogue_ == kToBits; ++p) set_row(p, 0);
    int64_t places[kMaxPixels];
    int64_t batch[kMaxPixels];
    TailTile tail(tail_, io, 1, block.first_channel);
    Int8Tile tile{};
    tile.source = pixels;
    tile.result = results;
    tile.runs = arranged_[index].runs.data();
    tile.run_count = static_cast<int32_t>(arranged_[index].runs.size());
    tile.weight = weight_.data() + arranged_[index].weight;
    tile.lanes = static_cast<int32_t>(block.lanes);
    tile.channels = static_cast<int32_t>(block.channels);
    tile.start = start_.data() + block.first_lane;
    tile.threshold = thresholds;
    tile.flip = flips;
    if (epilogue_ == kToF32) {
      tile.scale = scale_.data() + block.first_lane;
      tile.tail = tail.tail();
    }
    PixelCursor cursor(range, stage_.image_bytes(), output_.pixels());
    for (int64_t i = range.begin; i < range.end; ++i) {
      const int count = range.pixels(i);
      for (int p = 0; p < count; ++p, cursor.next()) {
        pixels[p] = source + cursor.source();
        places[p] = cursor.result();
        batch[p] = cursor.image();
        if (epilogue_ != kToF32) results[p] = result + places[p] * output_.pixel_elements();
        if (per_position_) set_row(p, cursor.position());
      }
      if (epilogue_ == kToF32) tail.set_pixels(places, batch, count);
      kernels[count - 1](tile);
    }
  }

  bool depthwise_;
  const Int8ConvKernels& kernels_;
  Shape output_;
  Epilogue epilogue_;
  bool per_position_;
  Int8Stage stage_;
  std::vector<PixelGroup> pixels_;
  std::vector<ChannelBlock> blocks_;
  int64_t lanes_;
  TailPlan tail_;
  double cost_per_image_;
  std::vector<BlockWeights> arranged_;
  WeightVector<uint32_t> weight_;
  std::vector<int32_t> start_;
  std::vector<int32_t> threshold_;
  std::vector<uint32_t> flip_;
  std::vector<float> scale_;
  mutable Scratch scratch_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, Int8ConvSpec spec) {
  if (table.int8_conv == nullptr) return std::make_unique<ReferenceInt8Conv>(std::move(spec));
  return std::make_unique<TiledInt8Conv>(table, spec);
}

bool fuses_tail(const KernelTable&, const Int8ConvSpec& spec) { return spec.epilogue == kToF32; }

}  // namespace xnorkit
