// Binary convolution as a step: arranged weights, limits for the epilogue, and the walk over tiles.
#include <algorithm>
#include <vector>

#include "program/binary_blocks.h"
#include "program/depthwise_binary_conv.h"
#include "program/scratch.h"
#include "program/step.h"
#include "program/tail.h"
#include "program/tap_gather.h"
#include "program/threads.h"
#include "program/tiles.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Multiply-adds that keep a thread busy for some microseconds.
constexpr double kGrain = 4e6;

constexpr int32_t kMaxDiffering = 1 << 24;

class ReferenceBinaryConv final : public Step {
 public:
  explicit ReferenceBinaryConv(BinaryConvSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int) const override {
    reference::binary_conv2d(spec_, io, images);
  }

  const char* kernel() const override { return "reference"; }

  size_t resident_bytes() const override {
    return spec_.weight.size() + 4 * (spec_.threshold.size() + spec_.scale.size() + spec_.bias.size()) +
           spec_.flip.size();
  }

 private:
  BinaryConvSpec spec_;
};

// The convolution of gathered windows: one tap of all their bits. The bits of padded taps are 0 there; a group's weights
// are 0 too where its taps are padded, so that they never differ and count nothing.
BinaryConvSpec window_spec(const BinaryConvSpec& spec) {
  BinaryConvSpec windows = spec;
  windows.input = {Kind::bits, spec.output.height, spec.output.width, spec.filter_bits()};
  windows.geometry = Geometry{};
  return windows;
}

void clear_padded_taps(const BinaryConvSpec& spec, const PixelGroup& group, std::vector<uint8_t>& weight) {
  std::vector<bool> valid(static_cast<size_t>(spec.geometry.taps()));
  for (const Run& run : group.runs) {
    const int64_t first = run.weight / spec.input.words();
    for (int64_t i = 0; i < run.length / spec.input.words(); ++i) valid[first + i] = true;
  }
  for (int64_t o = 0; o < spec.output.channels; ++o)
    for (int64_t k = 0; k < spec.filter_bits(); ++k) {
      const int64_t byte = o * spec.filter_bytes() + k / 8;
      if (!valid[k / spec.input.channels]) weight[byte] = static_cast<uint8_t>(weight[byte] & ~(1u << (k % 8)));
    }
}

class TiledBinaryConv final : public Step {
 public:
  TiledBinaryConv(const BinaryConvKernels& dense, const BinaryConvKernels& masked, const BinaryConvSpec& spec)
      : input_(spec.input),
        output_(spec.output),
        epilogue_(spec.epilogue),
        per_position_(spec.epilogue == kToBits && spec.per_position()),
        group_channels_(spec.group_channels()),
        gather_(spec, dense.layout),
        blocks_(make_blocks(gather_.pays() ? window_spec(spec) : spec)),
        kernels_(blocks_.masked ? masked : dense),
        groups_(group_pixels(spec.input, spec.output, spec.geometry,
                             gather_.pays() ? spec.input.words() : blocks_.tap_words)),
        filter_words_(gather_.pays() ? gather_.pixel_words() : spec.geometry.taps() * blocks_.tap_words),
        lanes_((spec.output.channels + 31) / 32 * 32),
        scale_(spec.scale),
        bias_(spec.bias),
        tail_(spec.tail, spec.output.channels, lanes_) {
    if (gather_.pays()) {
      arrange_windows(spec);
    } else {
      weights_ = arrange_weights(spec, blocks_, kernels_.layout);
    }
    if (epilogue_ == kToBits) arrange_limits(spec);
    scale_.resize(lanes_);
    bias_.resize(lanes_);
    for (const PixelGroup& group : groups_) valid_taps_ += static_cast<double>(group.taps) * group.source.size();
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto* source = io.source<uint32_t>();
    if (!gather_.pays()) return run_words(source, io, images, threads);
    const int64_t bytes = gather_.scratch_bytes(images);
    auto scratch = scratch_.borrow(static_cast<size_t>(bytes + 4 * images * gather_.image_words()));
    auto* windows = reinterpret_cast<uint32_t*>(scratch.second.get() + bytes);
    gather_.fill(source, reinterpret_cast<uint64_t*>(scratch.second.get()), windows, images, threads);
    run_words(windows, io, images, threads);
    scratch_.give_back(std::move(scratch));
  }

  size_t resident_bytes() const override {
    return 4 * (weights_.bits.size() + weights_.mask.size() + limit_.size() + flip_.size() + scale_.size() +
                bias_.size()) +
           tail_.resident_bytes();
  }

  const char* kernel() const override { return kernels_.name; }

 private:
  // Weights of every group of pixels, which then read whole windows.
  void arrange_windows(const BinaryConvSpec& spec) {
    BinaryConvSpec windows = window_spec(spec);
    const auto length = static_cast<int32_t>(gather_.pixel_words());
    for (PixelGroup& group : groups_) {
      windows.weight = spec.weight;
      clear_padded_taps(spec, group, windows.weight);
      const BinaryWeights arranged = arrange_weights(windows, blocks_, kernels_.layout);
      group_weights_ = static_cast<int64_t>(arranged.bits.size());
      weights_.bits.insert(weights_.bits.end(), arranged.bits.begin(), arranged.bits.end());
      group.runs.assign(1, {0, 0, length});
      for (size_t i = 0; i < group.source.size(); ++i) group.source[i] = group.result[i] * length;
    }
  }

  // `source`: the input, or its windows.
  void run_words(const uint32_t* source, const Operands& io, int64_t images, int threads) const {
    const Tiles tiles(groups_, images, kernels_.max_pixels);
    const double words = static_cast<double>(images) * (gather_.pays() ? static_cast<double>(gather_.image_words())
                                                                      : valid_taps_ * blocks_.tap_words);
    const auto blocks = static_cast<int64_t>(blocks_.list.size());
    parallel_for(blocks * tiles.total(), 32 * words * output_.channels, kGrain, threads, [&](int64_t begin, int64_t end) {
      for_each_item(tiles, begin, end,
                    [&](int64_t block, const TileRange& range) { run_tiles(source, io, blocks_.list[block], range); });
    });
  }

  // With p differing bits, dot = K - 2p < t  <=>  p > (K - t) / 2  <=>  p > floor((K - t) / 2), as p is an integer. K
  // is that of the pixel's group. Rows of lanes: one per position, or one per group where thresholds are per channel.
  // p is 0 to K <= 2^24, so limits clamped to [-1, 2^24] compare the same; lanes without a channel get 2^24, which p
  // never exceeds, and no flip: their bits come out as 0.
  void arrange_limits(const BinaryConvSpec& spec) {
    const int64_t rows = per_position_ ? output_.pixels() : static_cast<int64_t>(groups_.size());
    limit_.assign(rows * lanes_, kMaxDiffering);
    flip_.assign(rows * lanes_ / 32, 0);
    for (size_t g = 0; g < groups_.size(); ++g) {
      if (!per_position_) arrange_limit_row(spec, groups_[g], static_cast<int64_t>(g), 0);
      for (size_t i = 0; per_position_ && i < groups_[g].result.size(); ++i) {
        arrange_limit_row(spec, groups_[g], groups_[g].result[i], groups_[g].result[i]);
      }
    }
  }

  void arrange_limit_row(const BinaryConvSpec& spec, const PixelGroup& group, int64_t row, int64_t position) {
    const int64_t k = group.taps * group_channels_;
    for (int64_t o = 0; o < output_.channels; ++o) {
      const int64_t doubled = k - spec.threshold[position * output_.channels + o];
      const int64_t limit = doubled >= 0 ? doubled / 2 : (doubled - 1) / 2;
      limit_[row * lanes_ + o] = static_cast<int32_t>(std::clamp<int64_t>(limit, -1, kMaxDiffering));
      reference::set_bit(&flip_[row * lanes_ / 32], o, spec.flip[position * output_.channels + o] != 0);
    }
  }

  void run_tiles(const uint32_t* words, const Operands& io, const BinaryBlock& block, const TileRange& range) const {
    const uint32_t* const source = words + block.source;
    // To bits and to integers; the tail has its own results.
    const int64_t first_element = epilogue_ == kToBits ? block.first / 32 : block.first;
    uint32_t* const result = epilogue_ == kToF32 ? nullptr : io.result<uint32_t>() + first_element;
    const int64_t group_row = range.group - groups_.data();
    const BinaryTileKernel* kernels = kernels_.tile[epilogue_][block.lanes / 32 - 1];
    const uint32_t* pixels[kMaxPixels];
    void* results[kMaxPixels];
    const int32_t* limits[kMaxPixels];
    const uint32_t* flips[kMaxPixels];
    const auto set_row = [&](int p, int64_t row) {
      limits[p] = limit_.data() + row * lanes_ + block.first;
      flips[p] = flip_.data() + (row * lanes_ + block.first) / 32;
    };
    for (int p = 0; p < kMaxPixels && epilogue_ == kToBits; ++p) set_row(p, group_row);
    int64_t places[kMaxPixels];
    int64_t batch[kMaxPixels];
    TailTile tail(tail_, io, 1, block.first);
    BinaryTile tile{};
    tile.source = pixels;
    tile.result = results;
    tile.runs = range.group->runs.data();
    tile.run_count = static_cast<int32_t>(range.group->runs.size());
    tile.filter_words = static_cast<int32_t>(filter_words_);
    tile.weight = weights_.bits.data() + group_row * group_weights_ + block.weight;
    tile.mask = blocks_.masked ? weights_.mask.data() + block.weight : nullptr;
    tile.valid_k = static_cast<int32_t>(range.group->taps * group_channels_);
    tile.channels = static_cast<int32_t>(block.channels);
    tile.limit = limits;
    tile.flip = flips;
    tile.one_limit = !per_position_;
    if (epilogue_ == kToF32) {
      tile.scale = scale_.data() + block.first;
      tile.bias = bias_.data() + block.first;
      tile.tail = tail.tail();
    }
    PixelCursor cursor(range, gather_.pays() ? gather_.image_words() : input_.elements(), output_.pixels());
    const int64_t result_step = output_.pixel_elements();
    const int64_t output_pixels = output_.pixels();
    const bool floats = epilogue_ == kToF32;
    const bool per_position = per_position_;
    for (int64_t i = range.begin; i < range.end; ++i) {
      const int count = range.pixels(i);
      if (floats) {
        cursor.take(count, [&](int p, int64_t from, int64_t place, int64_t image) {
          pixels[p] = source + from;
          places[p] = place;
          batch[p] = image;
        });
        tail.set_pixels(places, batch, count);
      } else {
        cursor.take(count, [&](int p, int64_t from, int64_t place, int64_t image) {
          pixels[p] = source + from;
          results[p] = result + place * result_step;
          if (per_position) set_row(p, place - image * output_pixels);
        });
      }
      kernels[count - 1](tile);
    }
  }

  Shape input_;
  Shape output_;
  Epilogue epilogue_;
  bool per_position_;
  int64_t group_channels_;
  TapGather gather_;
  BinaryBlocks blocks_;
  const BinaryConvKernels& kernels_;
  std::vector<PixelGroup> groups_;
  int64_t filter_words_;
  int64_t lanes_;  // whole words of output channels
  BinaryWeights weights_;
  int64_t group_weights_ = 0;  // words from the weights of one group of pixels to the next's; 0 where they are the same
  std::vector<int32_t> limit_;
  std::vector<uint32_t> flip_;
  std::vector<float> scale_;
  std::vector<float> bias_;
  TailPlan tail_;
  double valid_taps_ = 0.0;
  mutable Scratch scratch_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, BinaryConvSpec spec) {
  if (table.binary_conv == nullptr) return std::make_unique<ReferenceBinaryConv>(std::move(spec));
  if (counts_taps(spec)) return make_counting_step(table, spec);
  return std::make_unique<TiledBinaryConv>(*table.binary_conv, *table.masked_binary_conv, spec);
}

bool fuses_tail(const KernelTable&, const BinaryConvSpec& spec) { return spec.epilogue == kToF32; }

}  // namespace xnorkit
