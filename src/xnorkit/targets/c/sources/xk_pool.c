/* Windows without weights. */
#include "xk_inside.h"

static int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

void xk_max_pool(const float *source, xk_shape shape, const xk_window *w, const xk_sink *sink) {
  const xk_shape out = sink->shape;
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const xk_taps taps = xk_valid(w, shape, oy, ox);
      for (int32_t c = 0; c < out.channels; ++c) {
        float y = -XK_INFINITY;
        XK_FOR_TAPS(taps, w, shape) {
          const float x = source[pixel * shape.channels + c];
          y = x > y ? x : y;
        }
        sink->row[c] = y;
      }
      xk_emit(sink, oy * out.width + ox);
    }
}

/* Positions of a window along one axis that an average counts. */
static int32_t counted(int32_t start, int32_t kernel, int32_t size, int32_t after, int32_t include_pad) {
  if (include_pad) return smaller(start + kernel, size + after) - start;
  return smaller(start + kernel, size) - larger(start, 0);
}

void xk_avg_pool(const float *source, xk_shape shape, const xk_window *w, const int32_t after[2], int32_t include_pad,
                 const xk_sink *sink) {
  const xk_shape out = sink->shape;
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const int32_t rows =
          counted(oy * w->stride[0] - w->padding[0], w->kernel[0], shape.height, after[0], include_pad);
      const int32_t columns =
          counted(ox * w->stride[1] - w->padding[1], w->kernel[1], shape.width, after[1], include_pad);
      const xk_taps taps = xk_valid(w, shape, oy, ox);
      for (int32_t c = 0; c < out.channels; ++c) {
        float y = 0.0f;
        XK_FOR_TAPS(taps, w, shape) y = y + source[pixel * shape.channels + c];
        sink->row[c] = y / (float)(rows * columns);
      }
      xk_emit(sink, oy * out.width + ox);
    }
}

void xk_max_pool_bits(const uint32_t *source, xk_shape shape, const xk_window *w, const uint8_t *falling,
                      xk_shape out, uint32_t *result) {
  const int32_t words = xk_words(out.channels);
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const xk_taps taps = xk_valid(w, shape, oy, ox);
      uint32_t *pixel_bits = result + (oy * out.width + ox) * words;
      for (int32_t i = 0; i < words; ++i) {
        uint32_t all = 0xffffffffu, any = 0, either = 0;
        XK_FOR_TAPS(taps, w, shape) {
          all &= source[pixel * words + i];
          any |= source[pixel * words + i];
        }
        for (int32_t c = 32 * i; c < out.channels && c < 32 * (i + 1); ++c) either |= (uint32_t)falling[c] << (c % 32);
        pixel_bits[i] = (any & either) | (all & ~either);
      }
    }
}

void xk_k_map(const float *source, xk_shape shape, const xk_window *w, const xk_sink *sink) {
  const xk_shape out = sink->shape;
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const xk_taps taps = xk_valid(w, shape, oy, ox);
      float y = 0.0f;
      XK_FOR_TAPS(taps, w, shape) {
        float total = 0.0f;
        for (int32_t c = 0; c < shape.channels; ++c) {
          const float x = source[pixel * shape.channels + c];
          total = total + (x < 0.0f ? -x : x);
        }
        y = y + total / (float)shape.channels;
      }
      sink->row[0] = y / (float)(w->kernel[0] * w->kernel[1]);
      xk_emit(sink, oy * out.width + ox);
    }
}
