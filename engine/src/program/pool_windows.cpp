#include "program/pool_windows.h"

#include "reference/reference.h"

namespace xnorkit {

PoolWindows::PoolWindows(const RowKernels& rows, const PoolSpec& spec)
    : rows_(rows),
      spec_(spec),
      down_(windows(0, spec.output.height, spec.input.height)),
      right_(windows(1, spec.output.width, spec.input.width)) {}

std::vector<PoolWindows::Window> PoolWindows::windows(int axis, int64_t outputs, int64_t size) const {
  const Geometry& g = spec_.geometry;
  std::vector<Window> list;
  for (int64_t i = 0; i < outputs; ++i) {
    const TapRange taps = valid_taps(i, size, g.kernel[axis], g.stride[axis], g.padding[axis], g.dilation[axis]);
    list.push_back({i * g.stride[axis] - g.padding[axis] + taps.begin * g.dilation[axis], taps.end - taps.begin});
  }
  return list;
}

namespace {

// Taps that are reduced at once: a window of more of them goes on from what the ones before gave.
constexpr int64_t kTaps = 256;

}  // namespace

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
      rows_.divide_one(result, reference::pool_divisor(spec_, oy, ox), result, channels);
    }
    if (++ox == spec_.output.width) {
      ox = 0;
      ++oy;
    }
  }
}

}  // namespace xnorkit
