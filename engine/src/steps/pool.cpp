// Max- and average-pool of floats: the windows, and the step.
#include "steps/pool.h"

#include "steps/reference_step.h"
#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

// Taps that are reduced at once: a window of more of them goes on from what the ones before gave.
constexpr int64_t kTaps = 256;

class RowsPool final : public Step {
 public:
  RowsPool(const RowKernels& rows, const PoolSpec& spec)
      : input_(spec.input), output_(spec.output), taps_(spec.geometry.taps()), windows_(rows, spec) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * output_.elements()) * static_cast<double>(taps_);
    parallel_for(images * output_.pixels(), cost, grain::kFloats, threads, [&](int64_t begin, int64_t end) {
      for_each_part(begin, end, output_.pixels(), [&](int64_t image, int64_t first, int64_t count) {
        windows_.run(io.source<float>() + image * input_.elements(), input_.height, first, first + count,
                     io.result<float>() + (image * output_.pixels() + first) * output_.channels);
      });
    });
  }

 private:
  Shape input_;
  Shape output_;
  int64_t taps_;
  PoolWindows windows_;
};

}  // namespace

PoolWindows::PoolWindows(const RowKernels& rows, const PoolSpec& spec)
    : rows_(rows),
      spec_(spec),
      down_(windows(0, spec.output.height, spec.input.height)),
      right_(windows(1, spec.output.width, spec.input.width)) {}

std::vector<PoolWindows::Window> PoolWindows::windows(int axis, int64_t outputs, int64_t size) const {
  const Geometry& g = spec_.geometry;
  std::vector<Window> list;
  for (int64_t i = 0; i < outputs; ++i) {
    const TapRange taps = valid_taps(g, axis, i, size);
    list.push_back({i * g.stride[axis] - g.padding[axis] + taps.begin * g.dilation[axis], taps.count()});
  }
  return list;
}

void PoolWindows::run(const float* image, int64_t ring_rows, int64_t begin, int64_t end, float* result) const {
  const Geometry& g = spec_.geometry;
  const int64_t channels = spec_.input.channels;
  const auto reduce = spec_.reduction == PoolSpec::Reduction::max ? rows_.maximum : rows_.sum;
  const float* taps[kTaps];
  int64_t oy = begin / spec_.output.width;
  int64_t ox = begin % spec_.output.width;
  for (int64_t pixel = begin; pixel < end; ++pixel, result += channels) {
    const Window& down = down_[oy];
    const Window& right = right_[ox];
    int64_t count = 0;
    for (int64_t ky = 0; ky < down.count; ++ky) {
      const int64_t y = (down.first + ky * g.dilation[0]) % ring_rows;
      const float* tap = image + (y * spec_.input.width + right.first) * channels;
      for (int64_t kx = 0; kx < right.count; ++kx, tap += g.dilation[1] * channels) {
        if (count == kTaps) {
          reduce(taps, count, result, channels);
          taps[0] = result;
          count = 1;
        }
        taps[count++] = tap;
      }
    }
    reduce(taps, count, result, channels);
    if (spec_.reduction == PoolSpec::Reduction::average) {
      rows_.divide_one(result, spec_.divisor(oy, ox), result, channels);
    }
    if (++ox == spec_.output.width) {
      ox = 0;
      ++oy;
    }
  }
}

std::unique_ptr<Step> make_step(const KernelTable& table, PoolSpec spec) {
  if (table.rows == nullptr) return reference_step(reference::pool, spec);
  return std::make_unique<RowsPool>(*table.rows, spec);
}

}  // namespace xnorkit
