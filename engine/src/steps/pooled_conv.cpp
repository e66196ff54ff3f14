// A float convolution and the pool behind it as one step, band by band: rows are pooled while they are in the cache.
#include <algorithm>
#include <cstring>
#include <vector>

#include "common/bits.h"
#include "layout/bands.h"
#include "steps/float_conv.h"
#include "steps/pool.h"
#include "steps/reference_step.h"
#include "threads/grain.h"

namespace xnorkit {
namespace {

// Pixels of a band of rows in their regions, with places in the ring.
std::vector<Region> band_regions(const std::vector<Region>& all, Rows rows, int64_t width, int64_t ring_rows) {
  std::vector<Region> regions;
  for (const Region& from : all) {
    Region region{{}, {}, from.runs, from.taps};
    for (size_t i = 0; i < from.result.size(); ++i) {
      const int64_t y = from.result[i] / width;
      if (y < rows.begin || y >= rows.end) continue;
      region.source.push_back(from.source[i]);
      region.result.push_back(static_cast<int32_t>(y % ring_rows * width + from.result[i] % width));
    }
    if (!region.source.empty()) regions.push_back(std::move(region));
  }
  return regions;
}

class TiledPooledConv final : public Step {
 public:
  TiledPooledConv(const KernelTable& table, const PooledConvSpec& spec)
      : conv_(table, spec.conv),
        windows_(*table.rows, spec.pool),
        pack_(table.pack),
        input_(spec.conv.input),
        between_(spec.conv.output),
        output_(spec.output),
        taps_(spec.pool.geometry.taps()),
        bands_(make_bands(spec)),
        after_(spec.after),
        flip_(output_.words()) {
    const std::vector<Region> all = conv_.regions(spec.conv);
    for (const Band& band : bands_.list) {
      regions_.push_back(band_regions(all, band.source, between_.width, bands_.ring_rows));
    }
    for (size_t c = 0; c < after_.flip.size(); ++c) {
      set_bit(flip_.data(), static_cast<int64_t>(c), after_.flip[c] != 0);
    }
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    for (int64_t image = 0; image < images; ++image) run_image(io, image, threads);
  }

  size_t resident_bytes() const override { return conv_.resident_bytes() + bytes_of(after_.threshold, flip_); }

  // The ring, and where the pool's floats are not kept, a row of them per band row.
  size_t scratch_bytes() const override {
    const int64_t rows = after_.store ? 0 : bands_.list[0].pool.count();
    return static_cast<size_t>(bands_.ring_rows * row_bytes(between_) + rows * row_bytes(output_));
  }

  const char* kernel() const override { return conv_.kernel(); }

 private:
  static int64_t row_bytes(const Shape& shape) { return 4 * shape.width * shape.channels; }

  // A band is pooled beside the tiles of the next one: one parallel loop per band, whose threads wait for each other
  // once.
  void run_image(const Operands& io, int64_t image, int threads) const {
    const void* const source[] = {io.source<float>() + image * input_.elements()};
    void* const ring[] = {io.scratch};
    const Operands conv{source, ring};
    const auto bands = static_cast<int64_t>(bands_.list.size());
    const std::vector<Region> none;
    for (int64_t b = 0; b <= bands; ++b) {
      const Tiles tiles(b < bands ? regions_[b] : none, 1, conv_.max_pixels());
      const Rows pooled = b > 0 ? bands_.list[b - 1].pool : Rows{0, 0};
      const int64_t tile_items = static_cast<int64_t>(conv_.blocks()) * tiles.total();
      const int64_t pixels = b < bands ? bands_.list[b].source.count() * between_.width : 0;
      const double cost = static_cast<double>(pixels) * conv_.pixel_cost() +
                          static_cast<double>(pooled.count() * output_.width * output_.channels) *
                              static_cast<double>(taps_) * grain::kPooledFloat;
      parallel_for(pooled.count() + tile_items, cost, grain::kFloatMacs, threads, [&](int64_t begin, int64_t end) {
        for (; begin < std::min(end, pooled.count()); ++begin) pool_row(io, image, pooled, begin);
        for_each_item(tiles, begin - pooled.count(), end - pooled.count(),
                      [&](int64_t block, const TileRange& range) { conv_.run(conv, block, range); });
      });
    }
  }

  // Row `index` of a band.
  void pool_row(const Operands& io, int64_t image, Rows band, int64_t index) const {
    const int64_t width = output_.width;
    const int64_t row = band.begin + index;
    const int64_t first = image * output_.pixels() + row * width;
    auto* const ring = static_cast<float*>(io.scratch);
    float* const floats = after_.store
                              ? io.result<float>() + first * output_.channels
                              : ring + (bands_.ring_rows * row_bytes(between_) + index * row_bytes(output_)) / 4;
    windows_.run(ring, bands_.ring_rows, row * width, (row + 1) * width, floats);
    if (!after_.bits) return;
    pack_({floats, after_.threshold.data(), flip_.data(), io.result<uint32_t>(1) + first * output_.words(), width,
           output_.channels, 0, 0});
  }

  FloatConvTiles conv_;
  PoolWindows windows_;
  PackKernel pack_;
  Shape input_;
  Shape between_;
  Shape output_;
  int64_t taps_;
  Bands bands_;
  std::vector<std::vector<Region>> regions_;  // of each band
  TailSpec after_;
  std::vector<uint32_t> flip_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, PooledConvSpec spec) {
  if (table.float_conv == nullptr) {
    return reference_step(reference::pooled_conv, spec, bytes_of(spec.conv.weight, spec.conv.bias));
  }
  return std::make_unique<TiledPooledConv>(table, spec);
}

}  // namespace xnorkit
