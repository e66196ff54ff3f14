#include "layout/images.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>

#include "common/error.h"
#include "kernels/image/image_rows.h"
#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {

InputKind input_kind(const std::string& name) {
  const char* const names[] = {"image", "pixels", "bits", "f32"};
  for (int i = 0; i < 4; ++i) {
    if (name == names[i]) return static_cast<InputKind>(i);
  }
  fail("kind is '", name, "', but it must be 'image', 'pixels', 'bits' or 'f32'.");
}

Kind value_kind(InputKind kind) {
  if (kind == InputKind::bits) return Kind::bits;
  return kind == InputKind::pixels ? Kind::u8 : Kind::f32;
}

void check_input_array(InputKind kind, const Shape& value, const Normalization& normalization, const Input& input) {
  using Type = Input::Type;
  bool fits = false;
  const char* expected = "";
  switch (kind) {
    case InputKind::image:
      fits = input.type == Type::float32 || (input.type == Type::uint8 && !normalization.table.empty());
      expected =
          normalization.table.empty() ? "float32 images (set_uint8_table allows uint8)" : "float32 or uint8 images";
      break;
    case InputKind::pixels:
      fits = input.type == Type::uint8 || (input.type == Type::float32 && !normalization.mean.empty());
      expected =
          normalization.mean.empty() ? "uint8 images (set_normalization allows float32)" : "uint8 or float32 images";
      break;
    case InputKind::bits:
      fits = input.type == Type::bits;
      expected = "uint32 words of bits";
      break;
    case InputKind::f32:
      fits = input.type == Type::float32;
      expected = "float32 values";
      break;
  }
  if (!fits) {
    const char* const names[] = {"float32", "uint8", "uint32"};
    fail("run: the input has dtype ", names[static_cast<int>(input.type)], ", but it must be ", expected, ".");
  }
  const std::vector<int64_t> one = in_place(kind)
                                       ? std::vector<int64_t>{value.height, value.width, value.pixel_elements()}
                                       : std::vector<int64_t>{value.channels, value.height, value.width};
  if (input.shape.size() != 4 || !std::equal(one.begin(), one.end(), input.shape.begin() + 1)) {
    fail("run: the input has shape ", shape_text(input.shape), ", but it must be (N, ", one[0], ", ", one[1], ", ",
         one[2], ").");
  }
}

void check_padding_bits(const uint32_t* words, int64_t images, const Shape& shape) {
  const int64_t used = shape.channels % 32;
  if (used == 0) return;
  const uint32_t padding = ~0u << used;
  for (int64_t pixel = 0; pixel < images * shape.pixels(); ++pixel) {
    if ((words[(pixel + 1) * shape.words() - 1] & padding) != 0) {
      fail("run: pixel ", pixel, " of the input has bits beyond its ", shape.channels,
           " channels, but padding bits must be 0.");
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
       ", column ", pixel % shape.width, ", but it must hold finite numbers.");
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
  parallel_for(count * shape.height, static_cast<double>(count * shape.elements()), grain::kFloats, threads,
               [&](int64_t begin, int64_t end) {
                 for_each_part(begin, end, shape.height, [&](int64_t n, int64_t row, int64_t rows) {
                   const int64_t pixel = row * shape.width;
                   auto* to = static_cast<std::byte*>(result) + (n * shape.pixels() + pixel) * shape.channels * element;
                   if (!read_pixels(images, first + n, pixel, rows * shape.width, to)) {
                     finite.store(false, std::memory_order_relaxed);
                   }
                 });
               });
  if (!finite) images.fail_at_first_bad();
}

}  // namespace xnorkit
