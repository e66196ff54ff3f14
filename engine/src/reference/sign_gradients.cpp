#include "reference/sign_gradients.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "reference/reference.h"
#include "spec/sums.h"

namespace xnorkit::reference {
namespace {

// Calls visit(position of g, filter, input pixel, tap, channel of the image, channel of its group) for every product.
template <class Visit>
void products(const SignConv& conv, const Visit& visit) {
  const SumShape shape(conv);
  const Geometry& g = conv.geometry;
  for (int64_t position = 0; position < conv.images * shape.positions(); ++position) {
    const int64_t n = position / shape.positions(), i = position % shape.positions();
    for (int64_t tap = 0; tap < shape.taps; ++tap) {
      const int64_t y = i / shape.out_width * g.stride[0] - g.padding[0] + tap / g.kernel[1] * g.dilation[0];
      const int64_t x = i % shape.out_width * g.stride[1] - g.padding[1] + tap % g.kernel[1] * g.dilation[1];
      if (y < 0 || y >= conv.height || x < 0 || x >= conv.width) continue;
      const int64_t pixel = (n * conv.height + y) * conv.width + x;
      for (int64_t o = 0; o < conv.out_channels; ++o) {
        for (int64_t c = 0; c < shape.group_in; ++c) {
          visit(position, o, pixel, tap, o / shape.group_out * shape.group_in + c, c);
        }
      }
    }
  }
}

// The product must reach halves as the kernels do: one rounding to float32, then one to the nearest even integer.
// Where scale / step overflows (a gradient below 2^-119 at a large scale) the integer is 0, as it is in the kernels.
int32_t rounded(float x, float factor) {
  const float product = x * factor;
  return std::isfinite(product) ? static_cast<int32_t>(std::nearbyint(product)) : 0;
}

// The largest |value|; NaN or infinity where one of them is.
void take(float value, float& most) {
  if (!std::isfinite(value) || !std::isfinite(most)) {
    most = std::isfinite(most) ? value : most;
  } else {
    most = std::max(most, std::fabs(value));
  }
}

}  // namespace

void sign_conv_input_gradient(const SignConv& conv, const float* gradient, const uint32_t* weight, const float* scale,
                              const uint32_t* inside, float* result) {
  const SumShape shape(conv);
  const int64_t filters = conv.out_channels, channels = conv.in_channels, words = (shape.group_in + 31) / 32;
  std::vector<float> most(conv.images, 0.0f);
  for (int64_t i = 0; i < conv.images * shape.positions() * filters; ++i) {
    take(gradient[i] * scale[i % filters], most[i / (shape.positions() * filters)]);
  }
  std::vector<int32_t> sums(conv.images * conv.height * conv.width * channels);
  products(conv, [&](int64_t position, int64_t o, int64_t pixel, int64_t tap, int64_t channel, int64_t c) {
    const SumStep step(most[position / shape.positions()]);
    if (step.inverse == 0) return;
    const int32_t value = rounded(gradient[position * filters + o], scale[o] * step.inverse);
    sums[pixel * channels + channel] += value * sign_of(weight + (o * shape.taps + tap) * words, c);
  });
  for (int64_t i = 0; i < static_cast<int64_t>(sums.size()); ++i) {
    const int64_t pixel = i / channels, image_words = (channels + 31) / 32;
    const bool keep = inside == nullptr || sign_of(inside + pixel * image_words, i % channels) < 0;
    const float step = SumStep(most[pixel / (conv.height * conv.width)]).step;
    result[i] = static_cast<float>(keep ? sums[i] : 0) * step;
  }
}

void sign_conv_weight_gradient(const SignConv& conv, const float* gradient, const uint32_t* signs, float* result) {
  const SumShape shape(conv);
  const int64_t filters = conv.out_channels, words = (conv.in_channels + 31) / 32;
  std::vector<float> most(filters, 0.0f);
  for (int64_t i = 0; i < conv.images * shape.positions() * filters; ++i) take(gradient[i], most[i % filters]);
  std::vector<int32_t> sums(filters * shape.taps * shape.group_in);
  products(conv, [&](int64_t position, int64_t o, int64_t pixel, int64_t tap, int64_t channel, int64_t c) {
    const SumStep step(most[o]);
    if (step.inverse == 0) return;
    const int32_t value = rounded(gradient[position * filters + o], step.inverse);
    sums[(o * shape.taps + tap) * shape.group_in + c] += value * sign_of(signs + pixel * words, channel);
  });
  for (int64_t i = 0; i < static_cast<int64_t>(sums.size()); ++i) {
    result[i] = static_cast<float>(sums[i]) * SumStep(most[i / (shape.taps * shape.group_in)]).step;
  }
}

}  // namespace xnorkit::reference
