#include "program/images.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>

#include "common/error.h"
#include "kernels/image/image_rows.h"
#include "program/threads.h"

namespace xnorkit {
namespace {

// Values that keep a thread busy for some microseconds.
constexpr double kGrain = 1e5;

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

void Images::fail_at_first_bad() const {
  const float* values = image<float>(0);
  int64_t i = 0;
  while (std::isfinite(values[i])) ++i;
  const int64_t n = i / shape.elements();
  const int64_t inside = i % shape.elements();
  const int64_t channel = planes ? inside / shape.pixels() : inside % shape.channels;
  const int64_t pixel = planes ? inside % shape.pixels() : inside / shape.channels;
  fail("run: the input has ", values[i], " at image ", n, ", channel ", channel, ", row ", pixel / shape.width,
       ", column ", pixel % shape.width, "; required: finite values");
}

bool read_pixels(const Images& images, int64_t n, int64_t first, int64_t count, void* result) {
  const Shape& shape = images.shape;
  const Normalization& normalization = images.normalization;
  const int64_t plane = shape.pixels();
  if (images.input.type == Input::Type::uint8) {
    const uint8_t* source = images.image<uint8_t>(n) + first;
    if (shape.kind == Kind::u8) {
      image_rows_pixels(source, plane, count, shape.channels, static_cast<uint8_t*>(result));
    } else {
      image_rows_u8(source, plane, count, shape.channels, normalization.table.data(), static_cast<float*>(result));
    }
    return true;
  }
  const float* source = images.image<float>(n) + first;
  if (shape.kind == Kind::f32) {
    return image_rows_f32(source, plane, count, shape.channels, static_cast<float*>(result));
  }
  return image_rows_quantize(source, plane, count, shape.channels, normalization.mean.data(), normalization.std.data(),
                             static_cast<uint8_t*>(result));
}

void read_images(const Images& images, int64_t first, int64_t count, void* result, int threads) {
  const Shape& shape = images.shape;
  const int64_t element = shape.kind == Kind::u8 ? 1 : 4;
  std::atomic<bool> finite{true};
  parallel_for(count * shape.height, static_cast<double>(count * shape.elements()), kGrain, threads,
               [&](int64_t begin, int64_t end) {
                 while (begin < end) {
                   const int64_t row = begin % shape.height;
                   const int64_t rows = std::min(end - begin, shape.height - row);
                   auto* to = static_cast<std::byte*>(result) + begin * shape.width * shape.channels * element;
                   if (!read_pixels(images, first + begin / shape.height, row * shape.width, rows * shape.width, to)) {
                     finite.store(false, std::memory_order_relaxed);
                   }
                   begin += rows;
                 }
               });
  if (!finite) images.fail_at_first_bad();
}

}  // namespace xnorkit
