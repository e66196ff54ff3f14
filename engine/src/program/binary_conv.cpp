// Binary convolution as a step: arranged weights, padded thresholds, and the walk over tiles.
#include <algorithm>
#include <limits>
#include <vector>

#include "program/step.h"
#include "program/threads.h"
#include "program/tiles.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Multiply-adds that keep a thread busy for some microseconds.
constexpr double kGrain = 4e6;

class ReferenceBinaryConv final : public Step {
 public:
  explicit ReferenceBinaryConv(BinaryConvSpec spec) : spec_(std::move(spec)) {}

  void run(const void* source, void* result, int64_t images, int) const override {
    reference::binary_conv2d(spec_, static_cast<const uint32_t*>(source), result, images);
  }

  size_t resident_bytes() const override {
    return spec_.weight.size() + 4 * (spec_.threshold.size() + spec_.scale.size() + spec_.bias.size()) + spec_.flip.size();
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
        groups_(group_pixels(spec.input, spec.output, spec.geometry)),
        filter_words_(spec.geometry.taps() * spec.input.words()),
        // Whole words of output: the last block has 32 lanes where one word is left.
        lanes_((spec.output.channels + 31) / 32 * 32),
        blocks_((lanes_ + kBlockLanes - 1) / kBlockLanes) {
    arrange_weights(spec);
    if (epilogue_ == kToBits) pad_thresholds(spec);
    scale_ = spec.scale;
    bias_ = spec.bias;
    scale_.resize(lanes_);
    bias_.resize(lanes_);
    for (const PixelGroup& group : groups_) valid_taps_ += static_cast<double>(group.taps) * group.source.size();
  }

  void run(const void* source, void* result, int64_t images, int threads) const override {
    const Tiles tiles(groups_, images, kernels_.max_pixels);
    const double cost = valid_taps_ * static_cast<double>(images * input_.channels * output_.channels);
    parallel_for(blocks_ * tiles.total(), cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      for_each_item(tiles, begin, end, [&](int64_t block, const Tile& tile) {
        run_tile(static_cast<const uint32_t*>(source), static_cast<uint32_t*>(result), block, tile);
      });
    });
  }

  size_t resident_bytes() const override {
    return 4 * (weight_.size() + threshold_.size() + flip_.size() + scale_.size() + bias_.size());
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
        to[kernels_.interleaved ? step * block_lanes(block) + lane : lane * filter_words_ + step] |= 1u << (channel % 32);
      }
    }
  }

  // Lanes without a channel get dot < INT32_MIN, which is never true, and no flip: their bits come out as 0.
  void pad_thresholds(const BinaryConvSpec& spec) {
    const int64_t positions = spec.per_position() ? output_.pixels() : 1;
    position_step_ = spec.per_position() ? 1 : 0;
    threshold_.assign(positions * lanes_, std::numeric_limits<int32_t>::min());
    flip_.assign(positions * lanes_ / 32, 0);
    for (int64_t i = 0; i < positions; ++i)
      for (int64_t o = 0; o < output_.channels; ++o) {
        threshold_[i * lanes_ + o] = spec.threshold[i * output_.channels + o];
        reference::set_bit(&flip_[i * lanes_ / 32], o, spec.flip[i * output_.channels + o] != 0);
      }
  }

  void run_tile(const uint32_t* source, uint32_t* result, int64_t block, const Tile& part) const {
    const PixelGroup& group = *part.group;
    const auto group_pixels = static_cast<int64_t>(group.source.size());
    const int64_t first_lane = block * kBlockLanes;
    const int64_t first_element = epilogue_ == kToBits ? first_lane / 32 : first_lane;
    const uint32_t* pixels[kMaxPixels];
    void* results[kMaxPixels];
    const int32_t* thresholds[kMaxPixels];
    const uint32_t* flips[kMaxPixels];
    int64_t image = part.first / group_pixels;
    int64_t pixel = part.first % group_pixels;
    for (int p = 0; p < part.count; ++p) {
      const int64_t position = group.result[pixel];
      pixels[p] = source + image * input_.elements() + group.source[pixel];
      results[p] = result + (image * output_.pixels() + position) * output_.pixel_elements() + first_element;
      thresholds[p] = threshold_.data() + position * position_step_ * lanes_ + first_lane;
      flips[p] = flip_.data() + (position * position_step_ * lanes_ + first_lane) / 32;
      if (++pixel == group_pixels) {
        pixel = 0;
        ++image;
      }
    }
    BinaryTile tile;
    tile.source = pixels;
    tile.result = results;
    tile.runs = group.runs.data();
    tile.run_count = static_cast<int32_t>(group.runs.size());
    tile.filter_words = static_cast<int32_t>(filter_words_);
    tile.weight = weight_.data() + first_lane * filter_words_;
    tile.valid_k = static_cast<int32_t>(group.taps * input_.channels);
    tile.channels = static_cast<int32_t>(std::min<int64_t>(kBlockLanes, output_.channels - first_lane));
    tile.threshold = thresholds;
    tile.flip = flips;
    tile.scale = scale_.data() + first_lane;
    tile.bias = bias_.data() + first_lane;
    tile.relu = relu_;
    kernels_.tile[epilogue_][block_lanes(block) / 32 - 1][part.count - 1](tile);
  }

  const BinaryConvKernels& kernels_;
  Shape input_;
  Shape output_;
  Epilogue epilogue_;
  bool relu_;
  std::vector<PixelGroup> groups_;
  int64_t filter_words_;
  int64_t lanes_;
  int64_t blocks_;
  std::vector<uint32_t> weight_;
  int64_t position_step_ = 0;
  std::vector<int32_t> threshold_;
  std::vector<uint32_t> flip_;
  std::vector<float> scale_;
  std::vector<float> bias_;
  double valid_taps_ = 0.0;
};

}  // namespace

std::unique_ptr<Step> make_binary_conv(const KernelTable& table, BinaryConvSpec spec) {
  if (table.binary_conv == nullptr) return std::make_unique<ReferenceBinaryConv>(std::move(spec));
  return std::make_unique<TiledBinaryConv>(*table.binary_conv, spec);
}

}  // namespace xnorkit
