/* Functions of one number. This file alone needs a mathematical library. */
#include <math.h>

#include "xk_inside.h"

/* exp, tanh and erf are computed in double and rounded once. */
static float function_of(xk_function function, float x) {
  const double wide = x;
  float raised;
  switch (function) {
    case XK_SIGMOID:
      return (float)(1.0 / (1.0 + exp(-wide)));
    case XK_TANH:
      return (float)tanh(wide);
    case XK_SILU:
      return (float)(wide / (1.0 + exp(-wide)));
    case XK_GELU:
      return (float)(0.5 * wide * (1.0 + erf(wide * 0.70710678118654752440)));
    default:
      raised = x + 3.0f;
      raised = raised > 0.0f ? raised : 0.0f;
      raised = raised < 6.0f ? raised : 6.0f;
      if (function == XK_HARDSIGMOID) return raised / 6.0f;
      raised = x * raised;
      return raised / 6.0f;
  }
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
    const float *x = source + pixel * channels;
    if (function == XK_SOFTMAX) {
      softmax(x, sink->row, channels);
    } else {
      for (int32_t c = 0; c < channels; ++c) sink->row[c] = function_of(function, x[c]);
    }
    xk_emit(sink, pixel);
  }
}
