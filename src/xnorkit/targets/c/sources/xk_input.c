/* Images (channels, height, width) to values (height, width, channels). */
#include "xk_inside.h"

void xk_input_f32(const float *image, xk_shape shape, float *result) {
  const int32_t pixels = shape.height * shape.width;
  for (int32_t p = 0; p < pixels; ++p)
    for (int32_t c = 0; c < shape.channels; ++c) result[p * shape.channels + c] = image[c * pixels + p];
}

static uint8_t pixel_at(const uint8_t *image, xk_shape shape, xk_pixels order, int32_t p, int32_t c) {
  return image[order.first + c * order.channel + p / shape.width * order.row + p % shape.width * order.column];
}

void xk_input_f32_from_u8(const uint8_t *image, xk_shape shape, xk_pixels order, const float *mean, const float *std,
                          float *result) {
  for (int32_t p = 0; p < shape.height * shape.width; ++p)
    for (int32_t c = 0; c < shape.channels; ++c) {
      const float share = (float)pixel_at(image, shape, order, p, c) / 255.0f;
      const float centred = share - mean[c];
      result[p * shape.channels + c] = centred / std[c];
    }
}

void xk_input_f32_less_mean(const uint8_t *image, xk_shape shape, xk_pixels order, const float *mean_image,
                            float *result) {
  for (int32_t p = 0; p < shape.height * shape.width; ++p)
    for (int32_t c = 0; c < shape.channels; ++c) {
      const int32_t at = p * shape.channels + c;
      result[at] = (float)pixel_at(image, shape, order, p, c) - mean_image[at];
    }
}

void xk_input_u8(const uint8_t *image, xk_shape shape, xk_pixels order, uint8_t *result) {
  for (int32_t p = 0; p < shape.height * shape.width; ++p)
    for (int32_t c = 0; c < shape.channels; ++c)
      result[p * shape.channels + c] = pixel_at(image, shape, order, p, c);
}

void xk_input_u8_from_f32(const float *image, xk_shape shape, const float *mean, const float *std, uint8_t *result) {
  const int32_t pixels = shape.height * shape.width;
  const float step = 1.0f / 255.0f;
  for (int32_t p = 0; p < pixels; ++p)
    for (int32_t c = 0; c < shape.channels; ++c) {
      const float share = xk_product(image[c * pixels + p], std[c]) + mean[c];
      result[p * shape.channels + c] = xk_level(share / step, 0);
    }
}

void xk_quantize_u8(const float *source, xk_shape shape, float scale, int32_t zero_point, uint8_t *result) {
  for (int32_t i = 0; i < shape.height * shape.width * shape.channels; ++i)
    result[i] = xk_level(source[i] / scale, zero_point);
}
