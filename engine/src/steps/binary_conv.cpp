// Binary convolution as a step: arranged weights, limits for the epilogue, and the walk over tiles.
#include "steps/binary_conv.h"

#include <algorithm>
#include <vector>

#include "common/bits.h"
#include "layout/binary_blocks.h"
#include "layout/tap_gather.h"
#include "layout/tiles.h"
#include "steps/reference_step.h"
#include "steps/tail.h"
#include "threads/buffers.h"
#include "threads/grain.h"

namespace xnorkit {
namespace {

constexpr int32_t kMaxDiffering = 1 << 24;

// A linear layer with this many bytes of weights or more, at one bit each, waits for memory when it runs one image. It
// then reads one bit per weight, although kernels that read a byte for four bits are faster on several images.
constexpr int64_t kStreamedBytes = int64_t{1} << 18;

// What a strategy decides: which words its tiles read, and against which weights.
struct TileInputs {
  BinaryBlocks blocks;
  std::vector<Region> regions;
  BinaryWeights weights;
  int64_t region_weights;  // words from the weights of one region to the next's; 0 where they are the same
  int64_t filter_words;
  int64_t image_words;  // of the source, from an image to the next
  double valid_words;   // that the pixels of an image read for one block
};

// A binary convolution in tiles, whatever their source.
class TiledBinaryConv : public Step {
 public:
  size_t resident_bytes() const override {
    return bytes_of(inputs_.weights.bits, inputs_.weights.mask, limits_.limit, limits_.flip, scale_, bias_) +
           tail_.resident_bytes();
  }

  const char* kernel() const override { return kernels_.name; }

 protected:
  TiledBinaryConv(const BinaryConvKernels& kernels, const BinaryConvSpec& spec, TileInputs inputs)
      : kernels_(kernels),
        inputs_(std::move(inputs)),
        output_(spec.output),
        epilogue_(spec.epilogue),
        group_channels_(spec.group_channels()),
        lanes_((spec.output.channels + 31) / 32 * 32),
        scale_(spec.scale),
        bias_(spec.bias),
        tail_(spec.tail, spec.output.channels, lanes_) {
    if (epilogue_ == kToBits) arrange_limits(spec);
    scale_.resize(lanes_);
    bias_.resize(lanes_);
  }

  void run_on(const uint32_t* source, const Operands& io, int64_t images, int threads) const {
    const Tiles tiles(inputs_.regions, images, kernels_.max_pixels);
    const double cost = 32 * static_cast<double>(images) * inputs_.valid_words * static_cast<double>(output_.channels);
    run_items(tiles, inputs_.blocks.list.size(), cost, grain::kBinaryMacs, threads,
              [&](int64_t block, const TileRange& range) { run_tiles(source, io, inputs_.blocks.list[block], range); });
  }

 private:
  // With p differing bits, dot = K - 2p < t  <=>  p > (K - t) / 2  <=>  p > floor((K - t) / 2), as p is an integer. K
  // is that of the pixel's region. Rows of lanes: one per position, or one per region where thresholds are per channel.
  // p is 0 to K <= 2^24, so limits clamped to [-1, 2^24] compare the same; lanes without a channel get 2^24, which p
  // never exceeds, and no flip: their bits come out as 0.
  void arrange_limits(const BinaryConvSpec& spec) {
    const auto regions = static_cast<int64_t>(inputs_.regions.size());
    const int64_t rows = spec.per_position() ? output_.pixels() : regions;
    limits_ = {std::vector<int32_t>(rows * lanes_, kMaxDiffering), std::vector<uint32_t>(rows * lanes_ / 32), lanes_,
               spec.per_position()};
    for (int64_t i = 0; i < regions; ++i) {
      const Region& region = inputs_.regions[i];
      if (!spec.per_position()) {
        arrange_limit_row(spec, region, i, 0);
      } else {
        for (const int32_t position : region.result) arrange_limit_row(spec, region, position, position);
      }
    }
  }

  void arrange_limit_row(const BinaryConvSpec& spec, const Region& region, int64_t row, int64_t position) {
    const int64_t k = region.taps * group_channels_;
    for (int64_t o = 0; o < output_.channels; ++o) {
      const int64_t doubled = k - spec.threshold[position * output_.channels + o];
      const int64_t limit = doubled >= 0 ? doubled / 2 : (doubled - 1) / 2;
      limits_.limit[row * lanes_ + o] = static_cast<int32_t>(std::clamp<int64_t>(limit, -1, kMaxDiffering));
      set_bit(&limits_.flip[row * lanes_ / 32], o, spec.flip[position * output_.channels + o] != 0);
    }
  }

  void run_tiles(const uint32_t* words, const Operands& io, const BinaryBlock& block, const TileRange& range) const {
    const int64_t region = range.region - inputs_.regions.data();
    BinaryTile tile{};
    tile.runs = range.region->runs.data();
    tile.run_count = static_cast<int32_t>(range.region->runs.size());
    tile.filter_words = static_cast<int32_t>(inputs_.filter_words);
    tile.weight =
        inputs_.weights.bits.data() + region * inputs_.region_weights + step_words(kernels_.layout) * block.weight;
    tile.mask = inputs_.blocks.masked ? inputs_.weights.mask.data() + block.weight : nullptr;
    tile.valid_k = static_cast<int32_t>(range.region->taps * group_channels_);
    tile.channels = static_cast<int32_t>(block.channels);
    tile.one_limit = !limits_.per_position;
    const uint32_t* const source = words + block.source;
    const BinaryTileKernel* kernels = kernels_.tile[epilogue_][block.lanes / 32 - 1];
    const PixelCursor cursor(range, inputs_.image_words, output_.pixels());
    if (epilogue_ == kToF32) {
      tile.scale = scale_.data() + block.first;
      tile.bias = bias_.data() + block.first;
      TailTile tail(tail_, io, 1, block.first);
      run_float_tiles(range, cursor, source, tail, tile, kernels);
    } else {
      const LimitRows* limits = epilogue_ == kToBits ? &limits_ : nullptr;
      run_integer_tiles(range, cursor, source, io, output_, limits, region, block.first, tile, kernels);
    }
  }

  const BinaryConvKernels& kernels_;
  TileInputs inputs_;
  Shape output_;
  Epilogue epilogue_;
  int64_t group_channels_;
  int64_t lanes_;  // whole words of output channels
  LimitRows limits_{};
  std::vector<float> scale_;
  std::vector<float> bias_;
  ArrangedTail tail_;
};

// Tiles read the words of the input where they lie.
class InPlaceBinaryConv final : public TiledBinaryConv {
 public:
  InPlaceBinaryConv(const BinaryConvKernels& kernels, const BinaryConvSpec& spec, BinaryBlocks blocks)
      : TiledBinaryConv(kernels, spec, inputs(kernels, spec, std::move(blocks))) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    run_on(io.source<uint32_t>(), io, images, threads);
  }

 private:
  static TileInputs inputs(const BinaryConvKernels& kernels, const BinaryConvSpec& spec, BinaryBlocks blocks) {
    TileInputs inputs{std::move(blocks), {}, {}, 0, 0, spec.input.elements(), 0.0};
    const int64_t tap_words = inputs.blocks.tap_words;
    inputs.regions = make_regions(spec, tap_words);
    inputs.weights = arrange_weights(spec, inputs.blocks, kernels.layout);
    inputs.filter_words = spec.geometry.taps() * tap_words;
    for (const Region& region : inputs.regions) {
      inputs.valid_words += static_cast<double>(region.taps) * region.result.size() * tap_words;
    }
    return inputs;
  }
};

// The bits of every pixel's window are gathered first; tiles then read one tap of all of them.
class GatheredBinaryConv final : public TiledBinaryConv {
 public:
  GatheredBinaryConv(const BinaryConvKernels& kernels, const BinaryConvSpec& spec, const TapGather& gather)
      : TiledBinaryConv(kernels, spec, inputs(kernels, spec, gather)), gather_(gather) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const int64_t bytes = gather_.scratch_bytes(images);
    Buffer buffer = buffers_.borrow(static_cast<size_t>(bytes + 4 * images * gather_.image_words()));
    auto* windows = reinterpret_cast<uint32_t*>(buffer.memory.get() + bytes);
    gather_.fill(io.source<uint32_t>(), reinterpret_cast<uint64_t*>(buffer.memory.get()), windows, images, threads);
    run_on(windows, io, images, threads);
    buffers_.give_back(std::move(buffer));
  }

 private:
  // The bits of padded taps are 0 in a window. Every region has its own weights, which are 0 there too, so that these
  // bits never differ and count nothing.
  static TileInputs inputs(const BinaryConvKernels& kernels, const BinaryConvSpec& spec, const TapGather& gather) {
    BinaryConvSpec windows = spec;
    windows.input = {Kind::bits, spec.output.height, spec.output.width, spec.filter_values()};
    windows.geometry = Geometry{};
    const int64_t length = gather.pixel_words();
    const int64_t image_words = gather.image_words();
    TileInputs inputs{make_blocks(windows), {}, {}, 0, length, image_words, static_cast<double>(image_words)};
    inputs.regions = make_regions(spec, spec.input.words());
    for (Region& region : inputs.regions) {
      windows.weight = spec.weight;
      clear_padded_taps(spec, region, windows.weight);
      const BinaryWeights arranged = arrange_weights(windows, inputs.blocks, kernels.layout);
      inputs.region_weights = static_cast<int64_t>(arranged.bits.size());
      inputs.weights.bits.insert(inputs.weights.bits.end(), arranged.bits.begin(), arranged.bits.end());
      region.runs.assign(1, {0, 0, static_cast<int32_t>(length)});
      for (size_t i = 0; i < region.source.size(); ++i) {
        region.source[i] = static_cast<int32_t>(region.result[i] * length);
      }
    }
    return inputs;
  }

  static void clear_padded_taps(const BinaryConvSpec& spec, const Region& region, std::vector<uint8_t>& weight) {
    std::vector<bool> valid(static_cast<size_t>(spec.geometry.taps()));
    for (const Run& run : region.runs) {
      const int64_t first = run.weight / spec.input.words();
      for (int64_t i = 0; i < run.length / spec.input.words(); ++i) valid[first + i] = true;
    }
    for (int64_t o = 0; o < spec.output.channels; ++o)
      for (int64_t k = 0; k < spec.filter_values(); ++k) {
        const int64_t byte = o * spec.filter_bytes() + k / 8;
        if (!valid[k / spec.input.channels]) weight[byte] = static_cast<uint8_t>(weight[byte] & ~(1u << (k % 8)));
      }
  }

  TapGather gather_;
  mutable Buffers buffers_;
};

const BinaryConvKernels& choose_kernels(const KernelTable& table, const BinaryConvSpec& spec, bool masked) {
  if (masked) return *table.masked_binary_conv;
  const bool streams = spec.output.pixels() == 1 && spec.output.channels * spec.filter_values() / 8 >= kStreamedBytes;
  return streams && table.streamed_binary_conv != nullptr ? *table.streamed_binary_conv : *table.binary_conv;
}

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, BinaryConvSpec spec) {
  if (table.binary_conv == nullptr) {
    return reference_step(reference::binary_conv2d, spec,
                          bytes_of(spec.weight, spec.threshold, spec.flip, spec.scale, spec.bias));
  }
  if (counts_taps(spec)) return make_counting_step(table, spec);
  const TapGather gather(spec, table.binary_conv->layout);
  if (gather.pays()) return std::make_unique<GatheredBinaryConv>(*table.binary_conv, spec, gather);
  BinaryBlocks blocks = make_blocks(spec);
  const BinaryConvKernels& kernels = choose_kernels(table, spec, blocks.masked);
  return std::make_unique<InPlaceBinaryConv>(kernels, spec, std::move(blocks));
}

}  // namespace xnorkit
