// Max- and average-pool of floats as a step.
#include <algorithm>

#include "program/pool_windows.h"
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
  RowsPool(const RowKernels& rows, const PoolSpec& spec)
      : input_(spec.input), output_(spec.output), taps_(spec.geometry.taps()), windows_(rows, spec) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * output_.elements()) * static_cast<double>(taps_);
    parallel_for(images * output_.pixels(), cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t image = begin / output_.pixels();
        const int64_t first = begin % output_.pixels();
        const int64_t count = std::min(end - begin, output_.pixels() - first);
        windows_.run(io.source<float>() + image * input_.elements(), input_.height, first, first + count,
                     io.result<float>() + begin * output_.channels);
        begin += count;
      }
    });
  }

  size_t resident_bytes() const override { return 0; }

 private:
  Shape input_;
  Shape output_;
  int64_t taps_;
  PoolWindows windows_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, PoolSpec spec) {
  if (table.rows == nullptr) return std::make_unique<ReferencePool>(std::move(spec));
  return std::make_unique<RowsPool>(*table.rows, spec);
}

}  // namespace xnorkit
