/* Layers whose sums are integers: signs with exclusive or and a count of bits, bytes with products. */
#include <string.h>

#include "xk_inside.h"

static int32_t count32(uint32_t v) {
#if defined(__GNUC__) && !defined(XK_SCALAR)
  return __builtin_popcount(v);
#else
  v = v - (v >> 1 & 0x55555555u);
  v = (v & 0x33333333u) + (v >> 2 & 0x33333333u);
  return (int32_t)(((v + (v >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24);
#endif
}

#ifndef XK_SCALAR
static int32_t count64(uint64_t v) {
#if defined(__GNUC__)
  return __builtin_popcountll(v);
#else
  return count32((uint32_t)v) + count32((uint32_t)(v >> 32));
#endif
}
#endif

/* Bits that differ between two runs of words; one word at a time with XK_SCALAR, otherwise two. */
static int32_t differing(const uint32_t *a, const uint32_t *b, int32_t words) {
  int32_t count = 0;
  int32_t i = 0;
#ifndef XK_SCALAR
  for (; i + 2 <= words; i += 2) {
    uint64_t x, y;
    memcpy(&x, a + i, 8);
    memcpy(&y, b + i, 8);
    count += count64(x ^ y);
  }
#endif
  for (; i < words; ++i) count += count32(a[i] ^ b[i]);
  return count;
}

/* Word i of the channels first .. first + channels - 1 of a pixel, as if they began a word. */
static uint32_t group_word(const uint32_t *pixel, int32_t words, int32_t first, int32_t channels, int32_t i) {
  const int32_t at = (first + 32 * i) / 32;
  const int32_t shift = (first + 32 * i) % 32;
  uint32_t word = pixel[at] >> shift;
  if (shift && at + 1 < words) word |= pixel[at + 1] << (32 - shift);
  const int32_t left = channels - 32 * i;
  return left >= 32 ? word : word & ((1u << left) - 1u);
}

/* dot = valid taps * channels - 2 * differing bits, over the valid taps of one filter. */
static int32_t dot(const uint32_t *source, xk_shape shape, const xk_window *w, const uint32_t *filter, int32_t oy,
                   int32_t ox, int32_t first) {
  const int32_t channels = shape.channels / w->groups;
  const int32_t words = xk_words(shape.channels);
  const int32_t group_words = xk_words(channels);
  int32_t valid = 0;
  int32_t count = 0;
  for (int32_t t = 0; t < w->kernel[0] * w->kernel[1]; ++t) {
    int32_t position;
    if (!xk_tap(w, shape, oy, ox, t / w->kernel[1], t % w->kernel[1], &position)) continue;
    const uint32_t *pixel = source + position * words;
    const uint32_t *tap = filter + t * group_words;
    if (first % 32 == 0 && channels % 32 == 0) {
      count += differing(pixel + first / 32, tap, group_words);
    } else if (w->groups == 1) {
      count += differing(pixel, tap, group_words);
    } else {
      for (int32_t i = 0; i < group_words; ++i)
        count += count32(group_word(pixel, words, first, channels, i) ^ tap[i]);
    }
    ++valid;
  }
  return valid * channels - 2 * count;
}

static int32_t sum(const uint8_t *source, xk_shape shape, const xk_window *w, const int8_t *filter,
                   const uint8_t *zero_point, int32_t oy, int32_t ox, int32_t first) {
  const int32_t channels = shape.channels / w->groups;
  int32_t total = 0;
  for (int32_t t = 0; t < w->kernel[0] * w->kernel[1]; ++t) {
    int32_t position;
    if (!xk_tap(w, shape, oy, ox, t / w->kernel[1], t % w->kernel[1], &position)) continue;
    const uint8_t *pixel = source + position * shape.channels + first;
    for (int32_t c = 0; c < channels; ++c) total += filter[t * channels + c] * (pixel[c] - zero_point[first + c]);
  }
  return total;
}

static void clear(const xk_sink *sink, int32_t pixel) {
  const int32_t words = xk_words(sink->shape.channels);
  for (int32_t i = 0; i < words; ++i) sink->bits[pixel * words + i] = 0;
}

static void put(const xk_epilogue *e, const xk_sink *sink, int32_t pixel, int32_t o, int32_t value) {
  if (e->threshold) {
    const int32_t i = pixel * e->threshold_stride + o;
    const uint32_t bit = (uint32_t)(value < e->threshold[i]) ^ e->flip[i];
    sink->bits[pixel * xk_words(sink->shape.channels) + o / 32] |= bit << (o % 32);
  } else {
    const float scaled = xk_product((float)value, e->scale[o]);
    sink->row[o] = e->bias ? scaled + e->bias[o] : scaled;
  }
}

void xk_binary_conv2d(const uint32_t *source, xk_shape shape, const xk_window *w, const uint32_t *weight,
                      const xk_epilogue *epilogue, const xk_sink *sink) {
  const xk_shape out = sink->shape;
  const int32_t channels = shape.channels / w->groups;
  const int32_t filter_words = w->kernel[0] * w->kernel[1] * xk_words(channels);
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const int32_t pixel = oy * out.width + ox;
      if (epilogue->threshold) clear(sink, pixel);
      for (int32_t o = 0; o < out.channels; ++o) {
        const int32_t first = o / (out.channels / w->groups) * channels;
        put(epilogue, sink, pixel, o, dot(source, shape, w, weight + o * filter_words, oy, ox, first));
      }
      if (!epilogue->threshold) xk_emit(sink, pixel);
    }
}

void xk_int8_conv2d(const uint8_t *source, xk_shape shape, const xk_window *w, const int8_t *weight,
                    const uint8_t *zero_point, const int32_t *bias, const xk_epilogue *epilogue, const xk_sink *sink) {
  const xk_shape out = sink->shape;
  const int32_t channels = shape.channels / w->groups;
  const int32_t size = w->kernel[0] * w->kernel[1] * channels;
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const int32_t pixel = oy * out.width + ox;
      if (epilogue->threshold) clear(sink, pixel);
      for (int32_t o = 0; o < out.channels; ++o) {
        const int32_t first = o / (out.channels / w->groups) * channels;
        const int32_t value = sum(source, shape, w, weight + o * size, zero_point, oy, ox, first) + bias[o];
        put(epilogue, sink, pixel, o, value);
      }
      if (!epilogue->threshold) xk_emit(sink, pixel);
    }
}
