/* Operations of a packed network in plain C99: no allocation, no global state, one image at a time.
 *
 * Values are (height, width, channels): floats, bytes, or signs as bits, 32 channels per word, least significant first,
 * bit 1 means -1, padding bits are 0. An operation makes its output pixel by pixel in a row of floats, which passes
 * through the steps of a sink (scale, bias, clip, ...) and is then stored as floats, packed into bits, or both.
 * Every float step is rounded to float32, under any compiler flags except those that allow other arithmetic. */
#ifndef XK_H
#define XK_H

#include <stdint.h>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "-ffast-math (or -Ofast) changes the outputs. Compile model.c and xk_*.c with -fno-fast-math after it"
#endif
/* GNU C on x87 keeps more digits in registers; ISO C rounds at every assignment. Method 16, which processors with
   half-precision arithmetic have, evaluates a float as a float, as method 0 does. */
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ && __FLT_EVAL_METHOD__ != 16 && !defined(__STRICT_ANSI__)
#error "floats keep more digits than float32 here. Compile with -std=c99, or on x86 with -msse2 -mfpmath=sse"
#endif

#if defined(__GNUC__)
#define XK_INFINITY __builtin_inff()
#else
#include <math.h>
#define XK_INFINITY INFINITY
#endif

typedef struct {
  int32_t height, width, channels;
} xk_shape;

/* Window of a convolution or pool; padding is top and left, the rest follows from the size of the output. */
typedef struct {
  int32_t kernel[2], stride[2], padding[2], dilation[2], groups;
} xk_window;

typedef enum { XK_ADD, XK_MULTIPLY, XK_SCALE, XK_SHIFT, XK_CLIP, XK_PRELU } xk_kind;

/* One step on a row. values: constants of XK_SCALE, XK_SHIFT, XK_PRELU, or the other value of XK_ADD, XK_MULTIPLY.
 * Number c of pixel p is values[p * pixel_stride + c * channel_stride]. */
typedef struct {
  xk_kind kind;
  const float *values;
  int32_t pixel_stride, channel_stride;
  float low, high;
} xk_step;

/* A max-pool of bits whose windows lie side by side: each pixel joins the window that it belongs to as soon as it is made.
 * A window keeps the largest sign: 1 bits where `falling`, which is a row of bits per channel, else 0 bits. */
typedef struct {
  int32_t kernel[2];
  xk_shape output;
  const uint32_t *falling;
} xk_pool;

/* Where rows go. floats, bits or pool may be absent. bit = (y < threshold) xor flip. */
typedef struct {
  xk_shape shape;
  const xk_step *steps;
  int32_t step_count;
  float *row; /* scratch of shape.channels floats */
  float *floats;
  uint32_t *bits;
  const float *threshold;
  const uint8_t *flip;
  int32_t threshold_stride; /* per pixel: 0 or shape.channels */
  const xk_pool *pool;      /* of the bits */
} xk_sink;

/* Integers go either to floats (scale, and bias unless absent) or to bits: bit = (integer < threshold) xor flip. */
typedef struct {
  const float *scale, *bias;
  const int32_t *threshold;
  const uint8_t *flip;
  int32_t threshold_stride;
} xk_epilogue;

void xk_emit(const xk_sink *sink, int32_t pixel);
/* Stores word i of a pixel's bits. */
void xk_store(const xk_sink *sink, int32_t pixel, int32_t i, uint32_t word);

/* Where pixel (y, x) of the network's channel c lies: image[first + c * channel + y * row + x * column]. */
typedef struct {
  int32_t first, channel, row, column;
} xk_pixels;

void xk_input_f32(const float *image, xk_shape shape, float *result);
void xk_input_f32_from_u8(const uint8_t *image, xk_shape shape, xk_pixels order, const float *mean, const float *std,
                          float *result);
/* mean_image: (height, width, channels) */
void xk_input_f32_less_mean(const uint8_t *image, xk_shape shape, xk_pixels order, const float *mean_image,
                            float *result);
void xk_input_u8(const uint8_t *image, xk_shape shape, xk_pixels order, uint8_t *result);
void xk_input_u8_from_f32(const float *image, xk_shape shape, const float *mean, const float *std, uint8_t *result);

void xk_float_conv2d(const float *source, xk_shape shape, const xk_window *window, const float *weight,
                     const float *bias, const xk_sink *sink);
void xk_binary_weight_conv2d(const float *source, xk_shape shape, const xk_window *window, const uint8_t *weight,
                             const float *scale, const float *bias, const xk_sink *sink);
void xk_int8_conv2d(const uint8_t *source, xk_shape shape, const xk_window *window, const int8_t *weight,
                    const uint8_t *zero_point, const int32_t *bias, const xk_epilogue *epilogue, const xk_sink *sink);
/* weight: [filter][tap][words of a group's channels]. With `bits`, memory for the words of one filter: [filter][words],
 * the channels of all taps one after the other; for windows without padding and groups only. */
void xk_binary_conv2d(const uint32_t *source, xk_shape shape, const xk_window *window, const uint32_t *weight,
                      uint32_t *bits, const xk_epilogue *epilogue, const xk_sink *sink);

void xk_quantize_u8(const float *source, xk_shape shape, float scale, int32_t zero_point, uint8_t *result);
void xk_pointwise(const float *source, const xk_sink *sink);
void xk_max_pool(const float *source, xk_shape shape, const xk_window *window, const xk_sink *sink);
/* after: padding below and right; include_pad: count positions in the padding */
void xk_avg_pool(const float *source, xk_shape shape, const xk_window *window, const int32_t after[2],
                 int32_t include_pad, const xk_sink *sink);
void xk_max_pool_bits(const uint32_t *source, xk_shape shape, const xk_window *window, const uint8_t *falling,
                      xk_shape output, uint32_t *result);
void xk_k_map(const float *source, xk_shape shape, const xk_window *window, const xk_sink *sink);

/* function: xk_sigmoid, xk_tanh, ... of xk_values.c */
typedef float (*xk_function)(float x);
void xk_activation(const float *source, xk_function function, const xk_sink *sink);
void xk_softmax(const float *source, const xk_sink *sink);

/* before: leading rows, columns and channels of zeros */
void xk_pad(const float *source, xk_shape shape, const int32_t before[3], const xk_sink *sink);
/* Signs -1 around the image; before: leading rows and columns. */
void xk_pad_bits(const uint32_t *source, xk_shape shape, const int32_t before[2], xk_shape output, uint32_t *result);
/* Copies the channels of one value into another, from channel `first` on. */
void xk_concat_f32(const float *source, xk_shape shape, int32_t first, xk_shape output, float *result);
void xk_concat_bits(const uint32_t *source, xk_shape shape, int32_t first, xk_shape output, uint32_t *result);
void xk_gather_f32(const float *source, xk_shape shape, const int32_t *index, const xk_sink *sink);
void xk_gather_bits(const uint32_t *source, xk_shape shape, const int32_t *index, xk_shape output, uint32_t *result);

#endif
