// Values to planes as a step.
#include <algorithm>

#include "program/step.h"
#include "program/threads.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Values that keep a thread busy for some microseconds.
constexpr double kGrain = 1e5;

class ReferencePlanes final : public Step {
 public:
  explicit ReferencePlanes(const PlanesSpec& spec) : spec_(spec) {}

  void run(const Operands& io, int64_t images, int) const override {
    reference::planes(spec_, io.source<float>(), io.result<float>(), images);
  }

  size_t resident_bytes() const override { return 0; }

 private:
  PlanesSpec spec_;
};

class RowPlanes final : public Step {
 public:
  RowPlanes(ToPlanesKernel to_planes, const PlanesSpec& spec) : kernel_(to_planes), shape_(spec.input) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * shape_.elements());
    parallel_for(images * shape_.height, cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t row = begin % shape_.height;
        const int64_t rows = std::min(end - begin, shape_.height - row);
        const int64_t image = begin / shape_.height * shape_.elements();
        const int64_t pixel = row * shape_.width;
        kernel_({io.source<float>() + image + pixel * shape_.channels, shape_.channels, rows * shape_.width,
                 shape_.channels, io.result<float>() + image + pixel, shape_.pixels()});
        begin += rows;
      }
    });
  }

  size_t resident_bytes() const override { return 0; }

 private:
  ToPlanesKernel kernel_;
  Shape shape_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, PlanesSpec spec) {
  if (table.to_planes == nullptr) return std::make_unique<ReferencePlanes>(spec);
  return std::make_unique<RowPlanes>(table.to_planes, spec);
}

}  // namespace xnorkit
