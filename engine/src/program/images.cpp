#include "program/images.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "common/error.h"
#include "kernels/image/image_rows.h"
#include "program/threads.h"

namespace xnorkit {
namespace {

// Values that keep a thread busy for some microseconds.
constexpr double kGrain = 1e5;

[[noreturn]] void fail_at_first_bad(const float* images, const Shape& shape) {
  const int64_t plane = shape.pixels();
  int64_t i = 0;
  while (std::isfinite(images[i])) ++i;
  fail("run: the input has ", images[i], " at image ", i / (plane * shape.channels), ", channel ",
       i / plane % shape.channels, ", row ", i % plane / shape.width, ", column ", i % shape.width,
       "; required: finite values");
}

}  // namespace

void check_padding_bits(const uint32_t* words, int64_t images, const Shape& shape) {
  const int64_t used = shape.channels % 32;
  if (used == 0) return;
  const uint32_t padding = ~0u << used;
  for (int64_t pixel = 0; pixel < images * shape.pixels(); ++pixel) {
    if ((words[(pixel + 1) * shape.words() - 1] & padding) != 0) {
      fail("run: pixel ", pixel, " of the input has bits beyond its ", shape.channels,
           " channels; required: padding bits 0");
    }
  }
}

void check_finite_values(const float* values, int64_t images, const Shape& shape) {
  const int64_t image = shape.elements();
  const float* bad = std::find_if(values, values + images * image, [](float v) { return !std::isfinite(v); });
  if (bad == values + images * image) return;
  const int64_t i = bad - values;
  fail("run: the input has ", *bad, " at image ", i / image, ", row ", i % image / (shape.width * shape.channels),
       ", column ", i / shape.channels % shape.width, ", channel ", i % shape.channels, "; required: finite values");
}

void read_images(const Input& input, const Shape& shape, int64_t first, int64_t count,
                 const Normalization& normalization, void* result, int threads) {
  const int64_t plane = shape.pixels();
  const int64_t image = plane * shape.channels;
  const auto* pixels_u8 = static_cast<const uint8_t*>(input.data);
  const auto* pixels_f32 = static_cast<const float*>(input.data);
  // Rows that follow each other in one image: `from` counts in its first plane.
  const auto read = [&](int64_t from, int64_t to, int64_t pixels) {
    const int64_t channels = shape.channels;
    auto* result_u8 = static_cast<uint8_t*>(result) + to;
    auto* result_f32 = static_cast<float*>(result) + to;
    const bool u8 = input.type == Input::Type::uint8;
    if (shape.kind == Kind::u8) {
      if (u8) {
        image_rows_pixels(pixels_u8 + from, plane, pixels, channels, result_u8);
        return true;
      }
      return image_rows_quantize(pixels_f32 + from, plane, pixels, channels, normalization.mean.data(),
                                 normalization.std.data(), result_u8);
    }
    if (u8) {
      image_rows_u8(pixels_u8 + from, plane, pixels, channels, normalization.table.data(), result_f32);
      return true;
    }
    return image_rows_f32(pixels_f32 + from, plane, pixels, channels, result_f32);
  };
  std::atomic<bool> finite{true};
  parallel_for(count * shape.height, static_cast<double>(count * image), kGrain, threads,
               [&](int64_t begin, int64_t end) {
                 while (begin < end) {
                   const int64_t n = begin / shape.height;
                   const int64_t rows = std::min(end - begin, shape.height - begin % shape.height);
                   const int64_t from = (first + n) * image + begin % shape.height * shape.width;
                   if (!read(from, begin * shape.width * shape.channels, rows * shape.width)) {
                     finite.store(false, std::memory_order_relaxed);
                   }
                   begin += rows;
                 }
               });
  if (!finite) fail_at_first_bad(pixels_f32, shape);
}

}  // namespace xnorkit
