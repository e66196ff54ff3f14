#include <algorithm>

#include "reference/reference.h"

namespace xnorkit::reference {
namespace {

// One channel of one pixel of a value of either kind.
void copy_channel(Kind kind, const void* source, int64_t from, void* result, int64_t to) {
  if (kind == Kind::bits) {
    set_bit(static_cast<uint32_t*>(result), to, sign_of(static_cast<const uint32_t*>(source), from) < 0);
  } else {
    static_cast<float*>(result)[to] = static_cast<const float*>(source)[from];
  }
}

const void* pixel_of(const Shape& shape, const void* value, int64_t pixel) {
  return static_cast<const uint32_t*>(value) + pixel * shape.pixel_elements();
}

void* pixel_of(const Shape& shape, void* value, int64_t pixel) {
  return static_cast<uint32_t*>(value) + pixel * shape.pixel_elements();
}

}  // namespace

void planes(const PlanesSpec& spec, const Operands& io, int64_t images) {
  const auto* source = io.source<float>();
  auto* result = io.result<float>();
  const int64_t pixels = spec.input.pixels();
  const int64_t channels = spec.input.channels;
  for (int64_t n = 0; n < images; ++n)
    for (int64_t i = 0; i < pixels; ++i)
      for (int64_t c = 0; c < channels; ++c) {
        result[(n * channels + c) * pixels + i] = source[(n * pixels + i) * channels + c];
      }
}

void pad(const PadSpec& spec, const Operands& io, int64_t images) {
  const auto* source = io.source<float>();
  auto* result = io.result<float>();
  const Shape& in = spec.input;
  const Shape& out = spec.output;
  std::fill_n(result, images * out.elements(), 0.0f);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t y = 0; y < in.height; ++y)
      for (int64_t x = 0; x < in.width; ++x)
        for (int64_t c = 0; c < in.channels; ++c) {
          const int64_t to = (y + spec.before[0]) * out.width + x + spec.before[1];
          result[n * out.elements() + to * out.channels + c + spec.before[2]] =
              source[n * in.elements() + (y * in.width + x) * in.channels + c];
        }
}

void pad_bits(const PadBitsSpec& spec, const Operands& io, int64_t images) {
  const auto* source = io.source<uint32_t>();
  auto* result = io.result<uint32_t>();
  const Shape& in = spec.input;
  const Shape& out = spec.output;
  std::fill_n(result, images * out.elements(), 0u);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t oy = 0; oy < out.height; ++oy)
      for (int64_t ox = 0; ox < out.width; ++ox)
        for (int64_t c = 0; c < out.channels; ++c) {
          const int64_t y = oy - spec.before[0];
          const int64_t x = ox - spec.before[1];
          const bool inside = y >= 0 && y < in.height && x >= 0 && x < in.width;
          const bool bit = !inside || sign_of(source + n * in.elements() + (y * in.width + x) * in.words(), c) < 0;
          set_bit(result + n * out.elements() + (oy * out.width + ox) * out.words(), c, bit);
        }
}

void concat(const ConcatSpec& spec, const Operands& io, int64_t images) {
  void* const result = io.results[0];
  std::fill_n(io.result<uint32_t>(), images * spec.output.elements(), 0u);
  for (int64_t pixel = 0; pixel < images * spec.output.pixels(); ++pixel) {
    int64_t to = 0;
    for (size_t i = 0; i < spec.inputs.size(); ++i)
      for (int64_t c = 0; c < spec.inputs[i].channels; ++c, ++to) {
        copy_channel(spec.output.kind, pixel_of(spec.inputs[i], io.sources[i], pixel), c,
                     pixel_of(spec.output, result, pixel), to);
      }
  }
}

void gather_channels(const GatherChannelsSpec& spec, const Operands& io, int64_t images) {
  std::fill_n(io.result<uint32_t>(), images * spec.output.elements(), 0u);
  for (int64_t pixel = 0; pixel < images * spec.output.pixels(); ++pixel)
    for (int64_t c = 0; c < spec.output.channels; ++c) {
      copy_channel(spec.output.kind, pixel_of(spec.input, io.sources[0], pixel), spec.index[c],
                   pixel_of(spec.output, io.results[0], pixel), c);
    }
}

}  // namespace xnorkit::reference
