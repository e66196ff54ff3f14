// The K map as a step: every pixel's mean once, then the windows over these means.
#include <algorithm>
#include <vector>

#include "program/groups.h"
#include "program/step.h"
#include "program/threads.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Floats read that keep a thread busy for some microseconds.
constexpr double kGrain = 5e4;

class ReferenceKMap final : public Step {
 public:
  explicit ReferenceKMap(KMapSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int) const override {
    reference::k_map(spec_, io.source<float>(), io.result<float>(), images);
  }

  size_t resident_bytes() const override { return 0; }

 private:
  KMapSpec spec_;
};

// Threads take output rows; a band of rows has its own means, so none waits for another's.
class RowsKMap final : public Step {
 public:
  RowsKMap(const RowKernels& rows, KMapSpec spec) : rows_(rows), spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const Shape& out = spec_.output;
    const auto cost = static_cast<double>(images * spec_.input.elements());
    parallel_for(images * out.height, cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t image = begin / out.height;
        const int64_t first = begin % out.height;
        const int64_t last = std::min(out.height, first + end - begin);
        map_band(io.source<float>() + image * spec_.input.elements(), io.result<float>() + image * out.elements(),
                 first, last);
        begin += last - first;
      }
    });
  }

  size_t resident_bytes() const override { return 0; }

 private:
  TapRange row_taps(int64_t oy) const {
    const Geometry& g = spec_.geometry;
    return valid_taps(oy, spec_.input.height, g.kernel[0], g.stride[0], g.padding[0], g.dilation[0]);
  }

  int64_t row(int64_t oy, int64_t ky) const {
    return oy * spec_.geometry.stride[0] - spec_.geometry.padding[0] + ky * spec_.geometry.dilation[0];
  }

  // Output rows [first, last) of one image.
  void map_band(const float* image, float* result, int64_t first, int64_t last) const {
    const Shape& in = spec_.input;
    const Geometry& g = spec_.geometry;
    int64_t top = in.height;
    int64_t bottom = 0;
    for (int64_t oy = first; oy < last; ++oy) {
      const TapRange taps = row_taps(oy);
      if (taps.begin == taps.end) continue;
      top = std::min(top, row(oy, taps.begin));
      bottom = std::max(bottom, row(oy, taps.end - 1) + 1);
    }
    std::vector<float> means(static_cast<size_t>(std::max<int64_t>(0, bottom - top) * in.width));
    const auto count = static_cast<int64_t>(means.size());
    rows_.absolute_sums(image + top * in.width * in.channels, in.channels, means.data(), count);
    rows_.divide_one(means.data(), static_cast<float>(in.channels), means.data(), count);
    for (int64_t oy = first; oy < last; ++oy) {
      const TapRange rows = row_taps(oy);
      for (int64_t ox = 0; ox < spec_.output.width; ++ox) {
        const TapRange columns = valid_taps(ox, in.width, g.kernel[1], g.stride[1], g.padding[1], g.dilation[1]);
        float sum = 0.0f;
        for (int64_t ky = rows.begin; ky < rows.end; ++ky)
          for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
            const int64_t x = ox * g.stride[1] - g.padding[1] + kx * g.dilation[1];
            sum += means[static_cast<size_t>((row(oy, ky) - top) * in.width + x)];
          }
        result[oy * spec_.output.width + ox] = sum / static_cast<float>(g.taps());
      }
    }
  }

  const RowKernels& rows_;
  KMapSpec spec_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, KMapSpec spec) {
  if (table.rows == nullptr) return std::make_unique<ReferenceKMap>(std::move(spec));
  return std::make_unique<RowsKMap>(*table.rows, std::move(spec));
}

}  // namespace xnorkit
