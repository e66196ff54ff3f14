#include <algorithm>
#include <limits>
#include <vector>

#include "reference/reference.h"

namespace xnorkit::reference {
namespace {

// Calls visit(pixel) for the taps of a window that lie inside the image, row by row.
template <class Visit>
void for_each_tap(const Shape& in, const Geometry& g, int64_t oy, int64_t ox, const Visit& visit) {
  const int64_t top = oy * g.stride[0] - g.padding[0], left = ox * g.stride[1] - g.padding[1];
  const Taps down(top, in.height, g.kernel[0], g.dilation[0]), right(left, in.width, g.kernel[1], g.dilation[1]);
  for (int64_t ky = down.begin; ky < down.end; ++ky)
    for (int64_t kx = right.begin; kx < right.end; ++kx) {
      visit((top + ky * g.dilation[0]) * in.width + left + kx * g.dilation[1]);
    }
}

}  // namespace

void pool(const PoolSpec& spec, const Operands& io, int64_t images) {
  const auto* source = io.source<float>();
  auto* result = io.result<float>();
  const Shape& in = spec.input;
  const Shape& out = spec.output;
  const bool average = spec.reduction == PoolSpec::Reduction::average;
  for (int64_t n = 0; n < images; ++n)
    for (int64_t oy = 0; oy < out.height; ++oy)
      for (int64_t ox = 0; ox < out.width; ++ox)
        for (int64_t c = 0; c < out.channels; ++c) {
          float y = average ? 0.0f : -std::numeric_limits<float>::infinity();
          for_each_tap(in, spec.geometry, oy, ox, [&](int64_t pixel) {
            const float x = source[n * in.elements() + pixel * in.channels + c];
            y = average ? y + x : x > y ? x : y;
          });
          if (average) y /= spec.divisor(oy, ox);
          result[n * out.elements() + (oy * out.width + ox) * out.channels + c] = y;
        }
}

void k_map(const KMapSpec& spec, const Operands& io, int64_t images) {
  const auto* source = io.source<float>();
  auto* result = io.result<float>();
  const Shape& in = spec.input;
  const Shape& out = spec.output;
  const auto mean = [&](const float* pixel) {
    float sum = 0.0f;
    for (int64_t c = 0; c < in.channels; ++c) sum += pixel[c] < 0.0f ? -pixel[c] : pixel[c];
    return sum / static_cast<float>(in.channels);
  };
  for (int64_t n = 0; n < images; ++n)
    for (int64_t oy = 0; oy < out.height; ++oy)
      for (int64_t ox = 0; ox < out.width; ++ox) {
        float y = 0.0f;
        for_each_tap(in, spec.geometry, oy, ox,
                     [&](int64_t pixel) { y += mean(source + n * in.elements() + pixel * in.channels); });
        result[n * out.elements() + oy * out.width + ox] = y / static_cast<float>(spec.geometry.taps());
      }
}

void pooled_conv(const PooledConvSpec& spec, const Operands& io, int64_t images) {
  std::vector<float> floats(images * spec.conv.output.elements());
  std::vector<float> pooled(images * spec.output.elements());
  void* const between[] = {floats.data(), pooled.data()};
  float_conv2d(spec.conv, {io.sources, between}, images);
  const void* const sources[] = {between[0]};
  pool(spec.pool, {sources, between + 1}, images);
  store_tail(spec.after, spec.output, pooled.data(), io, images);
}

}  // namespace xnorkit::reference
