// Float convolution as a step.
#include <algorithm>
#include <vector>

#include "program/step.h"
#include "program/threads.h"
#include "program/tiles.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Multiply-adds that keep a thread busy for some microseconds.
constexpr double kGrain = 2e5;

class ReferenceFloatConv final : public Step {
 public:
  explicit ReferenceFloatConv(FloatConvSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int) const override {
    reference::float_conv2d(spec_, io.source<float>(), io.result<float>(), images);
  }

  size_t resident_bytes() const override { return 4 * (spec_.weight.size() + spec_.bias.size()); }

 private:
  FloatConvSpec spec_;
};

class TiledFloatConv final : public Step {
 public:
  TiledFloatConv(const FloatConvKernels& kernels, const FloatConvSpec& spec)
      : kernels_(kernels),
        input_(spec.input),
        output_(spec.output),
        relu_(spec.relu),
        groups_(group_pixels(spec.input, spec.output, spec.geometry)),
        filter_steps_(spec.geometry.taps() * spec.input.channels),
        lanes_((spec.output.channels + 15) / 16 * 16),
        blocks_((lanes_ + kBlockLanes - 1) / kBlockLanes),
        weight_(lanes_ * filter_steps_),
        bias_(spec.bias) {
    for (int64_t o = 0; o < output_.channels; ++o) {
      const int64_t block = o / kBlockLanes;
      float* to = weight_.data() + block * kBlockLanes * filter_steps_ + o % kBlockLanes;
      for (int64_t k = 0; k < filter_steps_; ++k) to[k * block_lanes(block)] = spec.weight[o * filter_steps_ + k];
    }
    bias_.resize(lanes_);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const Tiles tiles(groups_, images, kernels_.max_pixels);
    const double cost = static_cast<double>(images * output_.pixels() * output_.channels) * filter_steps_;
    parallel_for(blocks_ * tiles.total(), cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      for_each_item(tiles, begin, end, [&](int64_t block, const TileRange& range) {
        run_tiles(io.source<float>(), io.result<float>(), block, range);
      });
    });
  }

  size_t resident_bytes() const override { return 4 * (weight_.size() + bias_.size()); }

 private:
  int64_t block_lanes(int64_t block) const { return std::min<int64_t>(kBlockLanes, lanes_ - block * kBlockLanes); }

  void run_tiles(const float* source, float* result, int64_t block, const TileRange& range) const {
    const int64_t first_lane = block * kBlockLanes;
    const float* pixels[kMaxPixels];
    float* results[kMaxPixels];
    FloatTile tile;
    tile.source = pixels;
    tile.result = results;
    tile.runs = range.group->runs.data();
    tile.run_count = static_cast<int32_t>(range.group->runs.size());
    tile.weight = weight_.data() + first_lane * filter_steps_;
    tile.lanes = static_cast<int32_t>(block_lanes(block));
    tile.channels = static_cast<int32_t>(std::min<int64_t>(kBlockLanes, output_.channels - first_lane));
    tile.bias = bias_.data() + first_lane;
    tile.relu = relu_;
    PixelCursor cursor(range, input_.elements(), output_.pixels());
    for (int64_t i = range.begin; i < range.end; ++i) {
      const int count = range.pixels(i);
      for (int p = 0; p < count; ++p, cursor.next()) {
        pixels[p] = source + cursor.source();
        results[p] = result + cursor.result() * output_.channels + first_lane;
      }
      kernels_.tile[tile.lanes / 16 - 1][count - 1](tile);
    }
  }

  const FloatConvKernels& kernels_;
  Shape input_;
  Shape output_;
  bool relu_;
  std::vector<PixelGroup> groups_;
  int64_t filter_steps_;
  int64_t lanes_;
  int64_t blocks_;
  std::vector<float> weight_;
  std::vector<float> bias_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, FloatConvSpec spec) {
  if (table.float_conv == nullptr) return std::make_unique<ReferenceFloatConv>(std::move(spec));
  return std::make_unique<TiledFloatConv>(*table.float_conv, spec);
}

}  // namespace xnorkit
