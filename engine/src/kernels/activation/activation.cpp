#include "contract/activation.h"

#include <cmath>

namespace xnorkit {
namespace {

// exp, tanh and erf are taken in double and rounded once. Libraries differ in the last place of a double at most, which
// moves the float only where the exact value lies within 2^-52 of the middle between two floats: about one value in
// 2^28. So the answer is in practice the correctly rounded one, on every machine.
float sigmoid(float x) { return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x)))); }

float hyperbolic_tangent(float x) { return static_cast<float>(std::tanh(static_cast<double>(x))); }

// x * sigmoid(x), in double.
float silu(float x) {
  const double wide = x;
  return static_cast<float>(wide / (1.0 + std::exp(-wide)));
}

// x * Phi(x) = x / 2 * (1 + erf(x / sqrt 2)), in double.
float gelu(float x) {
  constexpr double kInverseRoot = 0.70710678118654752440;
  const double wide = x;
  return static_cast<float>(0.5 * wide * (1.0 + std::erf(wide * kInverseRoot)));
}

// x * tanh(softplus(x)), in double. Where exp(x) is infinite, tanh is 1.
float mish(float x) {
  const double wide = x;
  return static_cast<float>(wide * std::tanh(std::log1p(std::exp(wide))));
}

float relu6_shifted(float x) {
  const float raised = x + 3.0f;
  const float positive = raised > 0.0f ? raised : 0.0f;
  return positive < 6.0f ? positive : 6.0f;
}

// float32 steps of PyTorch: relu6(x + 3) / 6, and x * relu6(x + 3) / 6.
float hardsigmoid(float x) { return relu6_shifted(x) / 6.0f; }
float hardswish(float x) { return x * relu6_shifted(x) / 6.0f; }

// e[c] = exp(x[c] - max), y = e / the sum of e in channel order, in float32 but for the exp.
void softmax(const float* x, float* y, int64_t channels) {
  float largest = x[0];
  for (int64_t c = 1; c < channels; ++c) largest = x[c] > largest ? x[c] : largest;
  float sum = 0.0f;
  for (int64_t c = 0; c < channels; ++c) {
    y[c] = static_cast<float>(std::exp(static_cast<double>(x[c] - largest)));
    sum += y[c];
  }
  for (int64_t c = 0; c < channels; ++c) y[c] /= sum;
}

template <float (*F)(float)>
void each(const float* x, float* y, int64_t pixels, int64_t channels) {
  for (int64_t i = 0; i < pixels * channels; ++i) y[i] = F(x[i]);
}

void softmax_rows(const float* x, float* y, int64_t pixels, int64_t channels) {
  for (int64_t p = 0; p < pixels; ++p) softmax(x + p * channels, y + p * channels, channels);
}

}  // namespace

const ActivationFunction kActivations[] = {
    {"sigmoid", each<sigmoid>}, {"tanh", each<hyperbolic_tangent>}, {"silu", each<silu>},
    {"gelu", each<gelu>},       {"hardsigmoid", each<hardsigmoid>}, {"hardswish", each<hardswish>},
    {"mish", each<mish>},       {"softmax", softmax_rows},          {nullptr, nullptr},
};

}  // namespace xnorkit
