// Max- and average-pool of floats as a step: a window's taps one after the other, all channels at once.
#include <vector>

#include "program/groups.h"
#include "program/step.h"
#include "program/threads.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Floats read that keep a thread busy for some microseconds.
constexpr double kGrain = 1e5;

class ReferencePool final : public Step {
 public:
  explicit ReferencePool(PoolSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int) const override {
    reference::pool(spec_, io.source<float>(), io.result<float>(), images);
  }

  size_t resident_bytes() const override { return 0; }

 private:
  PoolSpec spec_;
};

class RowsPool final : public Step {
 public:
  RowsPool(const RowKernels& rows, PoolSpec spec) : rows_(rows), spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const Shape& out = spec_.output;
    const auto cost = static_cast<double>(images * out.elements() * spec_.geometry.taps());
    parallel_for(images * out.pixels(), cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      std::vector<const float*> taps(static_cast<size_t>(spec_.geometry.taps()));
      for (int64_t pixel = begin; pixel < end; ++pixel) {
        pool_pixel(io.source<float>() + pixel / out.pixels() * spec_.input.elements(), pixel % out.pixels(),
                   io.result<float>() + pixel * out.channels, taps.data());
      }
    });
  }

  size_t resident_bytes() const override { return 0; }

 private:
  // `taps` has room for the window's.
  void pool_pixel(const float* image, int64_t position, float* result, const float** taps) const {
    const Shape& in = spec_.input;
    const Geometry& g = spec_.geometry;
    const int64_t oy = position / spec_.output.width;
    const int64_t ox = position % spec_.output.width;
    const TapRange rows = valid_taps(oy, in.height, g.kernel[0], g.stride[0], g.padding[0], g.dilation[0]);
    const TapRange columns = valid_taps(ox, in.width, g.kernel[1], g.stride[1], g.padding[1], g.dilation[1]);
    int64_t count = 0;
    for (int64_t ky = rows.begin; ky < rows.end; ++ky)
      for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
        const int64_t y = oy * g.stride[0] - g.padding[0] + ky * g.dilation[0];
        const int64_t x = ox * g.stride[1] - g.padding[1] + kx * g.dilation[1];
        taps[count++] = image + (y * in.width + x) * in.channels;
      }
    if (spec_.reduction == PoolSpec::Reduction::max) return rows_.maximum(taps, count, result, in.channels);
    rows_.sum(taps, count, result, in.channels);
    rows_.divide_one(result, reference::pool_divisor(spec_, oy, ox), result, in.channels);
  }

  const RowKernels& rows_;
  PoolSpec spec_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, PoolSpec spec) {
  if (table.rows == nullptr) return std::make_unique<ReferencePool>(std::move(spec));
  return std::make_unique<RowsPool>(*table.rows, std::move(spec));
}

}  // namespace xnorkit
