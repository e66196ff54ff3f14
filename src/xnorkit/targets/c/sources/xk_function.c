/* Functions of one number. This file alone needs a mathematical library. */
#include <math.h>

#include "xk_inside.h"

/* The functions of activations; whoever calls one declares it. exp, tanh and erf are computed in double and rounded once. */
float xk_sigmoid(float x);
float xk_tanh(float x);
float xk_silu(float x);
float xk_gelu(float x);
float xk_hardsigmoid(float x);
float xk_hardswish(float x);
float xk_mish(float x);

float xk_sigmoid(float x) { return (float)(1.0 / (1.0 + exp(-(double)x))); }
float xk_tanh(float x) { return (float)tanh((double)x); }
float xk_silu(float x) { return (float)((double)x / (1.0 + exp(-(double)x))); }
float xk_gelu(float x) { return (float)(0.5 * (double)x * (1.0 + erf((double)x * 0.70710678118654752440))); }

float xk_mish(float x) { return (float)((double)x * tanh(log1p(exp((double)x)))); }

static float shifted(float x) {
  float raised = x + 3.0f;
  raised = raised > 0.0f ? raised : 0.0f;
  return raised < 6.0f ? raised : 6.0f;
}

float xk_hardsigmoid(float x) { return shifted(x) / 6.0f; }
float xk_hardswish(float x) {
  const float product = x * shifted(x);
  return product / 6.0f;
}

static void softmax(const float *x, float *y, int32_t channels) {
  float largest = x[0];
  float total = 0.0f;
  for (int32_t c = 1; c < channels; ++c) largest = x[c] > largest ? x[c] : largest;
  for (int32_t c = 0; c < channels; ++c) {
    const float below = x[c] - largest;
    y[c] = (float)exp((double)below);
    total = total + y[c];
  }
  for (int32_t c = 0; c < channels; ++c) y[c] = y[c] / total;
}

void xk_activation(const float *source, xk_function function, const xk_sink *sink) {
  const int32_t channels = sink->shape.channels;
  for (int32_t pixel = 0; pixel < sink->shape.height * sink->shape.width; ++pixel) {
    for (int32_t c = 0; c < channels; ++c) sink->row[c] = function(source[pixel * channels + c]);
    xk_emit(sink, pixel);
  }
}

void xk_softmax(const float *source, const xk_sink *sink) {
  const int32_t channels = sink->shape.channels;
  for (int32_t pixel = 0; pixel < sink->shape.height * sink->shape.width; ++pixel) {
    softmax(source + pixel * channels, sink->row, channels);
    xk_emit(sink, pixel);
  }
}
