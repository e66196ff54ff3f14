/* Layers whose sums are integers: signs with exclusive or and a count of bits, bytes with products. */
#include "xk_inside.h"

#if defined(XK_SCALAR) || !defined(__GNUC__) || (defined(__arm__) && !defined(__ARM_NEON)) || \
    (defined(__riscv) && !defined(__riscv_zbb))
/* Without an instruction that counts bits, three words share the last steps: a word's four-bit fields hold at most 4, so
 * those of three words add up to at most 12, below 16; a byte of their sum holds at most 24, and ten such sums stay below
 * 256. */
static uint32_t fields(uint32_t v) {
  v = v - (v >> 1 & 0x55555555u);
  return (v & 0x33333333u) + (v >> 2 & 0x33333333u);
}

static uint32_t bytes(uint32_t fours) { return (fours & 0x0f0f0f0fu) + (fours >> 4 & 0x0f0f0f0fu); }

/* Bits that differ between two runs of words. */
static int32_t differing(const uint32_t *a, const uint32_t *b, int32_t words) {
  uint32_t count = 0;
  for (int32_t i = 0; i < words;) {
    uint32_t sum = 0;
    int32_t left = 10;
    for (; left > 0 && i + 3 <= words; i += 3, --left)
      sum += bytes(fields(a[i] ^ b[i]) + fields(a[i + 1] ^ b[i + 1]) + fields(a[i + 2] ^ b[i + 2]));
    for (; left > 0 && i < words; ++i, --left) sum += bytes(fields(a[i] ^ b[i]));
    count += ((sum & 0x00ff00ffu) + (sum >> 8 & 0x00ff00ffu)) * 0x00010001u >> 16;
  }
  return (int32_t)count;
}
#else
/* Bits that differ between two runs of words. */
static int32_t differing(const uint32_t *a, const uint32_t *b, int32_t words) {
  int32_t count = 0;
  int32_t i = 0;
#if UINTPTR_MAX > 0xffffffffu
  for (; i + 2 <= words; i += 2) {
    const uint64_t x = (uint64_t)a[i + 1] << 32 | a[i];
    const uint64_t y = (uint64_t)b[i + 1] << 32 | b[i];
    count += __builtin_popcountll(x ^ y);
  }
#endif
  for (; i < words; ++i) count += __builtin_popcount(a[i] ^ b[i]);
  return count;
}
#endif

/* Word i of the channels first .. first + channels - 1 of a pixel, as if they began a word. */
static uint32_t group_word(const uint32_t *pixel, int32_t words, int32_t first, int32_t channels, int32_t i) {
  const int32_t at = (first + 32 * i) / 32;
  const int32_t shift = (first + 32 * i) % 32;
  uint32_t word = pixel[at] >> shift;
  if (shift && at + 1 < words) word |= pixel[at + 1] << (32 - shift);
  const int32_t left = channels - 32 * i;
  return left >= 32 ? word : word & ((1u << left) - 1u);
}

/* dot = valid taps * channels - 2 * differing bits, over the valid taps of one filter. Without groups and dilation, the
 * taps of a row lie side by side, in the image and in the filter. */
static int32_t dot(const uint32_t *source, xk_shape shape, const xk_window *w, const uint32_t *filter,
                   const xk_taps *taps, int32_t first) {
  const int32_t channels = shape.channels / w->groups;
  const int32_t words = xk_words(shape.channels);
  const int32_t group_words = xk_words(channels);
  const int32_t whole = w->groups == 1 || channels % 32 == 0;
  const int32_t columns = taps->last[1] - taps->first[1];
  const int32_t across = w->groups == 1 && w->dilation[1] == 1 ? columns : 1;
  int32_t count = 0;
  for (int32_t ky = taps->first[0]; ky < taps->last[0]; ++ky)
    for (int32_t kx = taps->first[1]; kx < taps->last[1]; kx += across) {
      const int32_t at = taps->origin + ky * w->dilation[0] * shape.width + kx * w->dilation[1];
      const uint32_t *pixel = source + at * words;
      const uint32_t *tap = filter + (ky * w->kernel[1] + kx) * group_words;
      if (whole) {
        count += differing(pixel + first / 32, tap, across * group_words);
      } else {
        for (int32_t i = 0; i < group_words; ++i) {
          const uint32_t word = group_word(pixel, words, first, channels, i);
          count += differing(&word, tap + i, 1);
        }
      }
    }
  return xk_count(taps) * channels - 2 * count;
}

/* Puts the channels of the window's taps one after the other, without the padding of their words. */
static void gather(const uint32_t *source, xk_shape shape, const xk_window *w, const xk_taps *taps, uint32_t *window) {
  const int32_t words = xk_words(shape.channels);
  for (int32_t i = 0; i < xk_words(w->kernel[0] * w->kernel[1] * shape.channels); ++i) window[i] = 0;
  XK_FOR_TAPS(*taps, w, shape) {
    for (int32_t i = 0; i < words; ++i) {
      const uint32_t word = source[pixel * words + i];
      const int32_t bit = tap * shape.channels + 32 * i;
      const int32_t left = shape.channels - 32 * i;
      window[bit / 32] |= word << (bit % 32);
      if (bit % 32 + (left < 32 ? left : 32) > 32) window[bit / 32 + 1] |= word >> (32 - bit % 32);
    }
  }
}

static int32_t sum(const uint8_t *source, xk_shape shape, const xk_window *w, const int8_t *filter,
                   const uint8_t *zero_point, const xk_taps *taps, int32_t first) {
  const int32_t channels = shape.channels / w->groups;
  int32_t total = 0;
  XK_FOR_TAPS(*taps, w, shape) {
    const uint8_t *values = source + pixel * shape.channels + first;
    for (int32_t c = 0; c < channels; ++c) total += filter[tap * channels + c] * (values[c] - zero_point[first + c]);
  }
  return total;
}

/* Takes the integers of a pixel's channels in their order: `word` gathers their bits, or they become floats of the row. */
static void put(const xk_epilogue *e, const xk_sink *sink, int32_t pixel, int32_t o, int32_t value, uint32_t *word) {
  if (e->threshold) {
    const int32_t i = pixel * e->threshold_stride + o;
    const uint32_t bit = (uint32_t)(value < e->threshold[i]) ^ e->flip[i];
    *word = (o % 32 ? *word : 0) | bit << (o % 32);
    if (o % 32 == 31 || o == sink->shape.channels - 1) xk_store(sink, pixel, o / 32, *word);
  } else {
    const float scaled = xk_product((float)value, e->scale[o]);
    sink->row[o] = e->bias ? scaled + e->bias[o] : scaled;
  }
}

void xk_binary_conv2d(const uint32_t *source, xk_shape shape, const xk_window *w, const uint32_t *weight,
                      uint32_t *window, const xk_epilogue *epilogue, const xk_sink *sink) {
  const xk_shape out = sink->shape;
  const int32_t channels = shape.channels / w->groups;
  const int32_t taps_all = w->kernel[0] * w->kernel[1];
  const int32_t filter_words = window ? xk_words(taps_all * channels) : taps_all * xk_words(channels);
  for (int32_t oy = 0; oy < out.height; ++oy)
    for (int32_t ox = 0; ox < out.width; ++ox) {
      const int32_t pixel = oy * out.width + ox;
      const xk_taps taps = xk_valid(w, shape, oy, ox);
      uint32_t word = 0;
      if (window) gather(source, shape, w, &taps, window);
      for (int32_t o = 0; o < out.channels; ++o) {
        const uint32_t *filter = weight + o * filter_words;
        const int32_t first = o / (out.channels / w->groups) * channels;
        const int32_t value = window ? taps_all * channels - 2 * differing(window, filter, filter_words)
                                     : dot(source, shape, w, filter, &taps, first);
        put(epilogue, sink, pixel, o, value, &word);
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
      const xk_taps taps = xk_valid(w, shape, oy, ox);
      uint32_t word = 0;
      for (int32_t o = 0; o < out.channels; ++o) {
        const int32_t first = o / (out.channels / w->groups) * channels;
        const int32_t value = sum(source, shape, w, weight + o * size, zero_point, &taps, first) + bias[o];
        put(epilogue, sink, pixel, o, value, &word);
      }
      if (!epilogue->threshold) xk_emit(sink, pixel);
    }
}
