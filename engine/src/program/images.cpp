#include "program/images.h"

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

void read_images(const Input& input, const Shape& shape, int64_t first, int64_t count, const std::vector<float>& table,
                 float* result, int threads) {
  const int64_t plane = shape.pixels();
  const int64_t image = plane * shape.channels;
  std::atomic<bool> finite{true};
  parallel_for(count * shape.height, static_cast<double>(count * image), kGrain, threads,
               [&](int64_t begin, int64_t end) {
                 while (begin < end) {
                   const int64_t n = begin / shape.height;
                   const int64_t rows = std::min(end - begin, shape.height - begin % shape.height);
                   const int64_t offset = (first + n) * image + begin % shape.height * shape.width;
                   float* to = result + begin * shape.width * shape.channels;
                   const int64_t pixels = rows * shape.width;
                   if (input.type == Input::Type::uint8) {
                     image_rows_u8(static_cast<const uint8_t*>(input.data) + offset, plane, pixels, shape.channels,
                                   table.data(), to);
                   } else if (!image_rows_f32(static_cast<const float*>(input.data) + offset, plane, pixels,
                                              shape.channels, to)) {
                     finite.store(false, std::memory_order_relaxed);
                   }
                   begin += rows;
                 }
               });
  if (!finite) fail_at_first_bad(static_cast<const float*>(input.data), shape);
}

}  // namespace xnorkit
