// Float convolution as a step.
#include <vector>

#include "program/channel_blocks.h"
#include "program/float_conv_tiles.h"
#include "program/step.h"
#include "program/threads.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

class ReferenceFloatConv final : public Step {
 public:
  explicit ReferenceFloatConv(FloatConvSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int) const override { reference::float_conv2d(spec_, io, images); }

  const char* kernel() const override { return "reference"; }

  size_t resident_bytes() const override { return 4 * (spec_.weight.size() + spec_.bias.size()); }

 private:
  FloatConvSpec spec_;
};

class TiledFloatConv final : public Step {
 public:
  TiledFloatConv(const KernelTable& table, const FloatConvSpec& spec)
      : conv_(table, spec), groups_(conv_.groups(spec)), pixels_(spec.output.pixels()) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const Tiles tiles(groups_, images, conv_.max_pixels());
    const double cost = static_cast<double>(images * pixels_) * conv_.pixel_cost();
    parallel_for(conv_.blocks() * tiles.total(), cost, FloatConvTiles::kGrain, threads,
                 [&](int64_t begin, int64_t end) {
                   for_each_item(tiles, begin, end, [&](int64_t block, const TileRange& range) {
                     conv_.run(io, block, range);
                   });
                 });
  }

  size_t resident_bytes() const override { return conv_.resident_bytes(); }

  const char* kernel() const override { return conv_.kernel(); }

 private:
  FloatConvTiles conv_;
  std::vector<PixelGroup> groups_;
  int64_t pixels_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, FloatConvSpec spec) {
  if (table.float_conv == nullptr) return std::make_unique<ReferenceFloatConv>(std::move(spec));
  return std::make_unique<TiledFloatConv>(table, spec);
}

bool fuses_tail(const KernelTable&, const FloatConvSpec& spec) {
  return is_depthwise(spec) || whole_word_groups(spec.output.channels, spec.geometry.groups);
}

}  // namespace xnorkit
