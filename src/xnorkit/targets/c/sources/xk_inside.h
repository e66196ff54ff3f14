/* Shared by the operations, not needed by callers. */
#ifndef XK_INSIDE_H
#define XK_INSIDE_H

#include "xk.h"

static inline int32_t xk_words(int32_t channels) { return (channels + 31) / 32; }

static inline uint32_t xk_bit(const uint32_t *words, int32_t c) { return words[c / 32] >> (c % 32) & 1u; }

/* Row and column of the image that tap (ky, kx) of output (oy, ox) reads; 0 if it lies in the padding. */
static inline int xk_tap(const xk_window *w, xk_shape shape, int32_t oy, int32_t ox, int32_t ky, int32_t kx,
                         int32_t *pixel) {
  const int32_t y = oy * w->stride[0] - w->padding[0] + ky * w->dilation[0];
  const int32_t x = ox * w->stride[1] - w->padding[1] + kx * w->dilation[1];
  *pixel = y * shape.width + x;
  return y >= 0 && y < shape.height && x >= 0 && x < shape.width;
}

/* A product, rounded to float32. Compilers fuse a * b + c into one rounding where the processor can (GCC's default
 * outside -std=c99) and may keep more digits in registers; a volatile float prevents both. */
static inline float xk_product(float a, float b) {
  volatile float y = a * b;
  return y;
}

#endif
