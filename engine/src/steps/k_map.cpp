// The K map as a step: every pixel's mean once, then the windows over these means.
#include <algorithm>

#include "layout/regions.h"
#include "steps/reference_step.h"
#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

class RowsKMap final : public Step {
 public:
  RowsKMap(const RowKernels& rows, KMapSpec spec) : rows_(rows), spec_(std::move(spec)) {
    const Geometry& g = spec_.geometry;
    taps_ = static_cast<double>(std::min(g.kernel[0], spec_.input.height) * std::min(g.kernel[1], spec_.input.width));
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const Shape& in = spec_.input;
    const Shape& out = spec_.output;
    auto* const means = static_cast<float*>(io.scratch);
    parallel_for(images * in.pixels(), static_cast<double>(images * in.elements()), grain::kMeanFloats, threads,
                 [&](int64_t begin, int64_t end) {
                   rows_.absolute_sums(io.source<float>() + begin * in.channels, in.channels, means + begin,
                                       end - begin);
                   rows_.divide_one(means + begin, static_cast<float>(in.channels), means + begin, end - begin);
                 });
    parallel_each(images * out.height, static_cast<double>(images * out.pixels()) * taps_, grain::kMeanFloats, threads,
                  [&](int64_t row) {
                    map_row(means + row / out.height * in.pixels(), row % out.height,
                            io.result<float>() + row * out.width);
                  });
  }

  // The mean of every pixel.
  size_t scratch_bytes() const override { return static_cast<size_t>(4 * spec_.input.pixels()); }

 private:
  void map_row(const float* means, int64_t oy, float* result) const {
    const Shape& in = spec_.input;
    const Geometry& g = spec_.geometry;
    const TapRange rows = valid_taps(g, 0, oy, in.height);
    for (int64_t ox = 0; ox < spec_.output.width; ++ox) {
      const TapRange columns = valid_taps(g, 1, ox, in.width);
      float sum = 0.0f;
      for (int64_t ky = rows.begin; ky < rows.end; ++ky)
        for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
          const int64_t y = oy * g.stride[0] - g.padding[0] + ky * g.dilation[0];
          const int64_t x = ox * g.stride[1] - g.padding[1] + kx * g.dilation[1];
          sum += means[y * in.width + x];
        }
      result[ox] = sum / static_cast<float>(g.taps());
    }
  }

  const RowKernels& rows_;
  KMapSpec spec_;
  double taps_;  // of a window, at most
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, KMapSpec spec) {
  if (table.rows == nullptr) return reference_step(reference::k_map, spec);
  return std::make_unique<RowsKMap>(*table.rows, std::move(spec));
}

}  // namespace xnorkit
