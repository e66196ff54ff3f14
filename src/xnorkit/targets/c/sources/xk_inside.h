/* Shared by the operations, not needed by callers. */
#ifndef XK_INSIDE_H
#define XK_INSIDE_H

#include "xk.h"

static inline int32_t xk_words(int32_t channels) { return (channels + 31) / 32; }

static inline uint32_t xk_bit(const uint32_t *words, int32_t c) { return words[c / 32] >> (c % 32) & 1u; }

/* The taps of a window that lie in the image: rows first[0] to last[0] - 1, columns first[1] to last[1] - 1. Tap (0, 0)
 * is at `origin`, which may lie outside. */
typedef struct {
  int32_t first[2], last[2], origin;
} xk_taps;

static inline void xk_axis(const xk_window *w, int32_t axis, int32_t start, int32_t size, xk_taps *taps) {
  const int32_t step = w->dilation[axis];
  const int32_t inside = size > start ? (size - start + step - 1) / step : 0;
  taps->first[axis] = start < 0 ? (step - 1 - start) / step : 0;
  taps->last[axis] = inside < w->kernel[axis] ? inside : w->kernel[axis];
}

static inline xk_taps xk_valid(const xk_window *w, xk_shape shape, int32_t oy, int32_t ox) {
  xk_taps taps;
  const int32_t y = oy * w->stride[0] - w->padding[0];
  const int32_t x = ox * w->stride[1] - w->padding[1];
  xk_axis(w, 0, y, shape.height, &taps);
  xk_axis(w, 1, x, shape.width, &taps);
  taps.origin = y * shape.width + x;
  return taps;
}

static inline int32_t xk_count(const xk_taps *taps) {
  const int32_t rows = taps->last[0] - taps->first[0], columns = taps->last[1] - taps->first[1];
  return rows > 0 && columns > 0 ? rows * columns : 0;
}

/* Runs over the valid taps; in the statement that follows, `tap` numbers the tap and `pixel` the pixel that it reads. */
#define XK_FOR_TAPS(taps, w, shape)                                                                                   \
  for (int32_t ky = (taps).first[0]; ky < (taps).last[0]; ++ky)                                                       \
    for (int32_t kx = (taps).first[1], tap = ky * (w)->kernel[1] + kx,                                                \
                 pixel = (taps).origin + ky * (w)->dilation[0] * (shape).width + kx * (w)->dilation[1];               \
         kx < (taps).last[1]; ++kx, ++tap, pixel += (w)->dilation[1])

/* A product, rounded to float32. Compilers fuse a * b + c into one rounding where the processor can (GCC's default
 * outside -std=c99) and may keep more digits in registers; a volatile float prevents both. */
static inline float xk_product(float a, float b) {
  volatile float y = a * b;
  return y;
}

/* a * b + c, rounded once. Where the processor has no such instruction: the product of two floats is exact in double, 48
 * bits of 53. Its sum with c is rounded to odd, which means that an inexact sum with an even last bit moves by one unit
 * towards the exact one. The rounding to float that follows is then the only one, because 53 bits are two more than a
 * float needs (S. Boldo and G. Melquiond, Emulation of FMA and correctly rounded sums, 2008). */
static inline float xk_fma(float a, float b, float c) {
#if defined(__FP_FAST_FMAF)
  return __builtin_fmaf(a, b, c);
#else
  const double product = (double)a * (double)b;
  const double sum = product + (double)c;
  const double part = sum - product;
  const double error = (product - (sum - part)) + ((double)c - part);
  union {
    double number;
    uint64_t bits;
  } odd = {sum};
  if ((error > 0 || error < 0) && !(odd.bits & 1)) odd.bits += (error > 0) == (sum > 0) ? 1 : UINT64_MAX;
  return (float)odd.number;
#endif
}

/* The nearest integer, ties to even, for |x| <= 2^22: a float beyond 2^23 has no digits after the point. */
static inline float xk_round(float x) {
  volatile float moved = x + 12582912.0f;
  return moved - 12582912.0f;
}

/* A level of 0 to 255: the nearest integer to x, plus a zero point of at most 255; NaN gives 0. */
static inline uint8_t xk_level(float x, int32_t zero_point) {
  const float above = x > -512.0f ? x : -512.0f;
  const float level = xk_round(above < 512.0f ? above : 512.0f) + (float)zero_point;
  return level > 0.0f ? level < 255.0f ? (uint8_t)level : 255 : 0;
}

#endif
