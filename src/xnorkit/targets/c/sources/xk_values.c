/* Functions of one number, and operations that move channels. */
#include <math.h>

#include "xk_inside.h"

/* The functions of activations; whoever calls one declares it. exp, tanh and erf are computed in double and rounded once. */
float xk_sigmoid(float x);
float xk_tanh(float x);
float xk_silu(float x);
float xk_gelu(float x);
float xk_hardsigmoid(float x);
float xk_hardswish(float x);

float xk_sigmoid(float x) { return (float)(1.0 / (1.0 + exp(-(double)x))); }
float xk_tanh(float x) { return (float)tanh((double)x); }
float xk_silu(float x) { return (float)((double)x / (1.0 + exp(-(double)x))); }
float xk_gelu(float x) { return (float)(0.5 * (double)x * (1.0 + erf((double)x * 0.70710678118654752440))); }

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

void xk_pad(const float *source, xk_shape shape, const int32_t before[3], const xk_sink *sink) {
  const xk_shape out = sink->shape;
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const int32_t y = oy - before[0], x = ox - before[1];
      const int inside = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
      for (int32_t o = 0; o < out.channels; ++o) {
        const int32_t c = o - before[2];
        const int present = inside && c >= 0 && c < shape.channels;
        sink->row[o] = present ? source[(y * shape.width + x) * shape.channels + c] : 0.0f;
      }
      xk_emit(sink, oy * out.width + ox);
    }
}

void xk_concat_f32(const float *source, xk_shape shape, int32_t first, xk_shape out, float *result) {
  for (int32_t pixel = 0; pixel < out.height * out.width; ++pixel)
    for (int32_t c = 0; c < shape.channels; ++c)
      result[pixel * out.channels + first + c] = source[pixel * shape.channels + c];
}

static void put_bit(uint32_t *words, int32_t c, uint32_t bit) {
  words[c / 32] = (words[c / 32] & ~(1u << (c % 32))) | bit << (c % 32);
}

void xk_pad_bits(const uint32_t *source, xk_shape shape, const int32_t before[2], xk_shape out, uint32_t *result) {
  const int32_t words = xk_words(out.channels);
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const int32_t y = oy - before[0], x = ox - before[1];
      const int inside = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
      const uint32_t *from = source + (inside ? (y * shape.width + x) * words : 0);
      uint32_t *to = result + (oy * out.width + ox) * words;
      for (int32_t i = 0; i < words; ++i) {
        const int32_t left = out.channels - 32 * i;
        to[i] = inside ? from[i] : left >= 32 ? 0xffffffffu : (1u << left) - 1u;
      }
    }
}

void xk_concat_bits(const uint32_t *source, xk_shape shape, int32_t first, xk_shape out, uint32_t *result) {
  const int32_t last = first + shape.channels;
  for (int32_t pixel = 0; pixel < out.height * out.width; ++pixel) {
    uint32_t *words = result + pixel * xk_words(out.channels);
    const uint32_t *from = source + pixel * xk_words(shape.channels);
    for (int32_t c = 0; c < shape.channels; ++c) put_bit(words, first + c, xk_bit(from, c));
    if (last == out.channels) {
      for (int32_t c = last; c % 32; ++c) put_bit(words, c, 0);
    }
  }
}

void xk_gather_f32(const float *source, xk_shape shape, const int32_t *index, const xk_sink *sink) {
  for (int32_t pixel = 0; pixel < shape.height * shape.width; ++pixel) {
    for (int32_t c = 0; c < sink->shape.channels; ++c) sink->row[c] = source[pixel * shape.channels + index[c]];
    xk_emit(sink, pixel);
  }
}

void xk_gather_bits(const uint32_t *source, xk_shape shape, const int32_t *index, xk_shape out, uint32_t *result) {
  for (int32_t pixel = 0; pixel < shape.height * shape.width; ++pixel) {
    uint32_t *words = result + pixel * xk_words(out.channels);
    for (int32_t i = 0; i < xk_words(out.channels); ++i) words[i] = 0;
    for (int32_t c = 0; c < out.channels; ++c)
      put_bit(words, c, xk_bit(source + pixel * xk_words(shape.channels), index[c]));
  }
}
