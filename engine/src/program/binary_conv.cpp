// Binary convolution as a step: arranged weights, limits for the epilogue, and the walk over tiles.
#include <algorithm>
#include <vector>

#include "program/step.h"
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
    reference::binary_conv2d(spec_, io.source<uint32_t>(), io.results[0], images);
  }

  size_t resident_bytes() const override {
    return spec_.weight.size() + 4 * (spec_.threshold.size() + spec_.scale.size() + spec_.bias.size()) +
           spec_.flip.size();
  }

 private:
  BinaryConvSpec spec_;
};

class TiledBinaryConv final : public Step {
 public:
  TiledBinaryConv(const BinaryConvKernels& kernels, const BinaryConvSpec& spec)
      : kernels_(kernels),
        input_(spec.input),
        output_(spec.output),
        epilogue_(spec.epilogue),
        relu_(spec.relu),
        per_position_(spec.epilogue == kToBits && spec.per_position()),
        groups_(group_pixels(spec.input, spec.output, spec.geometry, spec.input.words())),
        filter_words_(spec.geometry.taps() * spec.input.words()),
        // Whole words of output: the last block has 32 lanes where one word is left.
        lanes_((spec.output.channels + 31) / 32 * 32),
        blocks_((lanes_ + kBlockLanes - 1) / kBlockLanes),
        scale_(spec.scale),
        bias_(spec.bias) {
    arrange_weights(spec);
    if (epilogue_ == kToBits) arrange_limits(spec);
    scale_.resize(lanes_);
    bias_.resize(lanes_);
    for (const PixelGroup& group : groups_) valid_taps_ += static_cast<double>(group.taps) * group.source.size();
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const Tiles tiles(groups_, images, kernels_.max_pixels);
    const double cost = valid_taps_ * static_cast<double>(images * input_.channels * output_.channels);
    parallel_for(blocks_ * tiles.total(), cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      for_each_item(tiles, begin, end, [&](int64_t block, const TileRange& range) {
        run_tiles(io.source<uint32_t>(), io.result<uint32_t>(), block, range);
      });
    });
  }

  size_t resident_bytes() const override {
    return 4 * (weight_.size() + limit_.size() + flip_.size() + scale_.size() + bias_.size());
  }

 private:
  int64_t block_lanes(int64_t block) const { return std::min<int64_t>(kBlockLanes, lanes_ - block * kBlockLanes); }

  void arrange_weights(const BinaryConvSpec& spec) {
    weight_.assign(lanes_ * filter_words_, 0);
    for (int64_t o = 0; o < output_.channels; ++o) {
      const int64_t block = o / kBlockLanes;
      const int64_t lane = o % kBlockLanes;
      uint32_t* to = weight_.data() + block * kBlockLanes * filter_words_;
      const uint8_t* from = spec.weight.data() + o * spec.filter_bytes();
      for (int64_t k = 0; k < spec.filter_bits(); ++k) {
        if (reference::sign_of(from, k) > 0) continue;
        const int64_t channel = k % input_.channels;
        const int64_t step = k / input_.channels * input_.words() + channel / 32;
        to[kernels_.interleaved ? step * block_lanes(block) + lane : lane * filter_words_ + step] |= 1u
                                                                                                     << (channel % 32);
      }
    }
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
    const int64_t k = group.taps * input_.channels;
    for (int64_t o = 0; o < output_.channels; ++o) {
      const int64_t doubled = k - spec.threshold[position * output_.channels + o];
      const int64_t limit = doubled >= 0 ? doubled / 2 : (doubled - 1) / 2;
      limit_[row * lanes_ + o] = static_cast<int32_t>(std::clamp<int64_t>(limit, -1, kMaxDiffering));
      reference::set_bit(&flip_[row * lanes_ / 32], o, spec.flip[position * output_.channels + o] != 0);
    }
  }

  void run_tiles(const uint32_t* source, uint32_t* result, int64_t block, const TileRange& range) const {
    const int64_t first_lane = block * kBlockLanes;
    const int64_t first_element = epilogue_ == kToBits ? first_lane / 32 : first_lane;
    const int64_t group_row = range.group - groups_.data();
    const BinaryTileKernel* kernels = kernels_.tile[epilogue_][block_lanes(block) / 32 - 1];
    const uint32_t* pixels[kMaxPixels];
    void* results[kMaxPixels];
    const int32_t* limits[kMaxPixels];
    const uint32_t* flips[kMaxPixels];
    const auto set_row = [&](int p, int64_t row) {
      limits[p] = limit_.data() + row * lanes_ + first_lane;
      flips[p] = flip_.data() + (row * lanes_ + first_lane) / 32;
    };
    for (int p = 0; p < kMaxPixels && epilogue_ == kToBits; ++p) set_row(p, group_row);
    BinaryTile tile;
    tile.source = pixels;
    tile.result = results;
    tile.runs = range.group->runs.data();
    tile.run_count = static_cast<int32_t>(range.group->runs.size());
    tile.filter_words = static_cast<int32_t>(filter_words_);
    tile.weight = weight_.data() + first_lane * filter_words_;
    tile.valid_k = static_cast<int32_t>(range.group->taps * input_.channels);
    tile.channels = static_cast<int32_t>(std::min<int64_t>(kBlockLanes, output_.channels - first_lane));
    tile.limit = limits;
    tile.flip = flips;
    tile.scale = scale_.data() + first_lane;
    tile.bias = bias_.data() + first_lane;
    tile.relu = relu_;
    PixelCursor cursor(range, input_.elements(), output_.pixels());
    for (int64_t i = range.begin; i < range.end; ++i) {
      const int count = range.pixels(i);
      for (int p = 0; p < count; ++p, cursor.next()) {
        pixels[p] = source + cursor.source();
        results[p] = result + cursor.result() * output_.pixel_elements() + first_element;
        if (per_position_) set_row(p, cursor.position());
      }
      kernels[count - 1](tile);
    }
  }

  const BinaryConvKernels& kernels_;
  Shape input_;
  Shape output_;
  Epilogue epilogue_;
  bool relu_;
  bool per_position_;
  std::vector<PixelGroup> groups_;
  int64_t filter_words_;
  int64_t lanes_;
  int64_t blocks_;
  std::vector<uint32_t> weight_;
  std::vector<int32_t> limit_;
  std::vector<uint32_t> flip_;
  std::vector<float> scale_;
  std::vector<float> bias_;
  double valid_taps_ = 0.0;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, BinaryConvSpec spec) {
  if (table.binary_conv == nullptr) return std::make_unique<ReferenceBinaryConv>(std::move(spec));
  return std::make_unique<TiledBinaryConv>(*table.binary_conv, spec);
}

}  // namespace xnorkit
