/* The end of every operation: steps on a row of floats, then storing and packing. */
#include "xk_inside.h"

static float step_value(const xk_step *s, int32_t pixel, int32_t c) {
  return s->values[pixel * s->pixel_stride + c * s->channel_stride];
}

static void apply(const xk_step *s, int32_t pixel, float *row, int32_t channels) {
  for (int32_t c = 0; c < channels; ++c) {
    float y = row[c];
    switch (s->kind) {
      case XK_ADD:
      case XK_SHIFT:
        y = y + step_value(s, pixel, c);
        break;
      case XK_MULTIPLY:
      case XK_SCALE:
        y = xk_product(y, step_value(s, pixel, c));
        break;
      case XK_CLIP:
        y = y > s->low ? y : s->low;
        y = y < s->high ? y : s->high;
        break;
      case XK_PRELU:
        y = y >= 0.0f ? y : xk_product(y, step_value(s, pixel, c));
        break;
    }
    row[c] = y;
  }
}

void xk_store(const xk_sink *sink, int32_t pixel, int32_t i, uint32_t word) {
  const xk_pool *pool = sink->pool;
  const int32_t words = xk_words(sink->shape.channels);
  if (!pool) {
    sink->bits[pixel * words + i] = word;
    return;
  }
  const int32_t oy = pixel / sink->shape.width, ox = pixel % sink->shape.width;
  const int32_t y = oy / pool->kernel[0], x = ox / pool->kernel[1];
  if (y >= pool->output.height || x >= pool->output.width) return;
  uint32_t *to = sink->bits + (y * pool->output.width + x) * words + i;
  const uint32_t falling = pool->falling[i];
  const int first = oy % pool->kernel[0] == 0 && ox % pool->kernel[1] == 0;
  *to = first ? word : ((*to & word) & ~falling) | ((*to | word) & falling);
}

void xk_emit(const xk_sink *sink, int32_t pixel) {
  const int32_t channels = sink->shape.channels;
  for (int32_t i = 0; i < sink->step_count; ++i) apply(&sink->steps[i], pixel, sink->row, channels);
  if (sink->floats) {
    for (int32_t c = 0; c < channels; ++c) sink->floats[pixel * channels + c] = sink->row[c];
  }
  if (sink->bits) {
    const int32_t first = pixel * sink->threshold_stride;
    uint32_t word = 0;
    for (int32_t c = 0; c < channels; ++c) {
      const uint32_t bit = (uint32_t)(sink->row[c] < sink->threshold[first + c]) ^ sink->flip[first + c];
      word |= bit << (c % 32);
      if (c % 32 == 31 || c == channels - 1) {
        xk_store(sink, pixel, c / 32, word);
        word = 0;
      }
    }
  }
}

void xk_pointwise(const float *source, const xk_sink *sink) {
  const int32_t channels = sink->shape.channels;
  for (int32_t pixel = 0; pixel < sink->shape.height * sink->shape.width; ++pixel) {
    for (int32_t c = 0; c < channels; ++c) sink->row[c] = source[pixel * channels + c];
    xk_emit(sink, pixel);
  }
}
