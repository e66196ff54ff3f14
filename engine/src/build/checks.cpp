#include "build/checks.h"

namespace xnorkit {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 24;

void check_range(const std::string& what, const char* name, int64_t value, int64_t least) {
  if (value < least || value > kMaxSize) {
    fail(what, ": attribute '", name, "' holds ", value, ", but it must hold integers from ", least, " to ", kMaxSize,
         ".");
  }
}

int64_t window_length(const std::string& what, const char* axis, int64_t size, int64_t before, int64_t after,
                      int64_t kernel, int64_t stride, int64_t dilation) {
  const int64_t padded = size + before + after;
  const int64_t extent = dilation * (kernel - 1) + 1;
  if (extent > padded) {
    fail(what, ": attribute 'kernel' reaches over ", extent, " ", axis, ", but it must reach over at most ", padded,
         ", the size of the padded image.");
  }
  return (padded - extent) / stride + 1;
}

}  // namespace

void check_size(const std::string& what, int64_t size) {
  if (size < 1 || size > kMaxSize) fail(what, " is ", size, ", but it must be from 1 to ", kMaxSize, ".");
}

void check_shape_size(const std::string& what, const Shape& shape) {
  checked_product((what + ": the sizes of the value").c_str(), {shape.height, shape.width, shape.pixel_elements()},
                  kMaxElements);
}

void check_filter_padding(const std::string& what, const std::vector<uint8_t>& weight, int64_t filters, int64_t bits) {
  const int64_t bytes = (bits + 7) / 8;
  for (int64_t o = 0; bits % 8 != 0 && o < filters; ++o) {
    if (weight[(o + 1) * bytes - 1] >> (bits % 8)) {
      fail(what, ": tensor 'weight' has bits beyond the ", bits, " of filter ", o,
           ", but it must hold zeros in the last ", 8 - bits % 8, " bits of every row.");
    }
  }
}

Shape window_output(const std::string& what, const Shape& input, const Geometry& g, Kind kind, int64_t channels) {
  for (const int64_t k : g.kernel) check_range(what, "kernel", k, 1);
  for (const int64_t s : g.stride) check_range(what, "stride", s, 1);
  for (const int64_t p : g.padding) check_range(what, "padding", p, 0);
  for (const int64_t d : g.dilation) check_range(what, "dilation", d, 1);
  check_size(what + ": the number of output channels", channels);
  check_size(what + ": attribute 'groups'", g.groups);
  if (input.channels % g.groups != 0 || channels % g.groups != 0) {
    fail(what, ": attribute 'groups' is ", g.groups, ", but it must be a divisor of both ", input.channels,
         " input and ", channels, " output channels.");
  }
  Shape output{kind, 0, 0, channels};
  output.height =
      window_length(what, "rows", input.height, g.padding[0], g.padding[2], g.kernel[0], g.stride[0], g.dilation[0]);
  output.width =
      window_length(what, "columns", input.width, g.padding[1], g.padding[3], g.kernel[1], g.stride[1], g.dilation[1]);
  check_shape_size(what, output);
  return output;
}

}  // namespace xnorkit
