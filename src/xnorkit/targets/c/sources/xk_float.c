/* Layers that read floats. */
#include "xk_inside.h"

void xk_float_conv2d(const float *source, xk_shape shape, const xk_window *w, const float *weight, const float *bias,
                     const xk_sink *sink) {
  const xk_shape out = sink->shape;
  const int32_t channels = shape.channels / w->groups;
  const int32_t size = w->kernel[0] * w->kernel[1] * channels;
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const xk_taps taps = xk_valid(w, shape, oy, ox);
      for (int32_t o = 0; o < out.channels; ++o) {
        const float *filter = weight + o * size;
        const int32_t first = o / (out.channels / w->groups) * channels;
        float sum = 0.0f;
        XK_FOR_TAPS(taps, w, shape) {
          const float *x = source + pixel * shape.channels + first;
          for (int32_t c = 0; c < channels; ++c) sum = xk_fma(x[c], filter[tap * channels + c], sum);
        }
        sink->row[o] = sum + bias[o];
      }
      xk_emit(sink, oy * out.width + ox);
    }
}

void xk_binary_weight_conv2d(const float *source, xk_shape shape, const xk_window *w, const uint8_t *weight,
                             const float *scale, const float *bias, const xk_sink *sink) {
  const xk_shape out = sink->shape;
  const int32_t channels = shape.channels / w->groups;
  const int32_t bytes = (w->kernel[0] * w->kernel[1] * channels + 7) / 8;
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const xk_taps taps = xk_valid(w, shape, oy, ox);
      for (int32_t o = 0; o < out.channels; ++o) {
        const uint8_t *filter = weight + o * bytes;
        const int32_t first = o / (out.channels / w->groups) * channels;
        float sum = 0.0f;
        XK_FOR_TAPS(taps, w, shape) {
          const float *x = source + pixel * shape.channels + first;
          for (int32_t c = 0; c < channels; ++c) {
            const int32_t k = tap * channels + c;
            sum = filter[k / 8] >> (k % 8) & 1 ? sum - x[c] : sum + x[c];
          }
        }
        sink->row[o] = xk_product(sum, scale[o]) + bias[o];
      }
      xk_emit(sink, oy * out.width + ox);
    }
}
