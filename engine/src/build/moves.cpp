// Builds what only moves values: pad, pad_bits, concat, gather_channels, planes.
#include "build/operations.h"

namespace xnorkit {
namespace {

void check_padding(const std::string& what, int64_t count) {
  if (count < 0) fail(what, " is ", count, ", but it must be at least 0.");
  if (count > 0) check_size(what, count);
}

// Adds `before` and `after` to a size; each at most 2^24, so that the sum cannot overflow.
int64_t padded(const std::string& what, int64_t size, int64_t before, int64_t after) {
  check_padding(what, before);
  check_padding(what, after);
  check_size(what + " with the image", size + before + after);
  return size + before + after;
}

// The kind of a value that may be f32 or bits.
Kind either(const Arguments& a, size_t i) {
  return a.input(i).kind == Kind::bits ? Kind::bits : a.input(i, Kind::f32).kind;
}

}  // namespace

Built build_pad(Arguments& a) {
  auto spec = a.spec_on<PadSpec>(Kind::f32);
  const auto padding = a.integers<4>("padding");
  const auto [before, after] = a.integers<2>("channels");
  spec.output.height = padded("pad: padding of height", spec.input.height, padding[0], padding[2]);
  spec.output.width = padded("pad: padding of width", spec.input.width, padding[1], padding[3]);
  spec.output.channels = padded("pad: padding of channels", spec.input.channels, before, after);
  check_shape_size(a.op(), spec.output);
  spec.before = {padding[0], padding[1], before};
  return spec;
}

Built build_pad_bits(Arguments& a) {
  auto spec = a.spec_on<PadBitsSpec>(Kind::bits);
  const auto padding = a.integers<4>("padding");
  spec.output.height = padded("pad_bits: padding of height", spec.input.height, padding[0], padding[2]);
  spec.output.width = padded("pad_bits: padding of width", spec.input.width, padding[1], padding[3]);
  check_shape_size(a.op(), spec.output);
  spec.before = {padding[0], padding[1]};
  return spec;
}

Built build_planes(Arguments& a) {
  auto spec = a.spec_on<PlanesSpec>(Kind::f32);
  spec.output.kind = Kind::planes;
  return spec;
}

Built build_concat(Arguments& a) {
  ConcatSpec spec;
  spec.output = a.input(0, either(a, 0));
  spec.output.channels = 0;
  for (size_t i = 0; i < a.inputs(); ++i) {
    const Shape& shape = a.input(i, spec.output.kind);
    if (shape.height != spec.output.height || shape.width != spec.output.width) {
      fail(a.op(), ": value ", a.id(i), " has ", shape.height, " x ", shape.width, " pixels, but it must have ",
           spec.output.height, " x ", spec.output.width, ", as value ", a.id(0), " has.");
    }
    spec.inputs.push_back(shape);
    spec.output.channels += shape.channels;
    check_size("concat: the number of channels", spec.output.channels);
  }
  check_shape_size(a.op(), spec.output);
  return spec;
}

Built build_gather_channels(Arguments& a) {
  auto spec = a.spec_on<GatherChannelsSpec>(either(a, 0));
  spec.output.channels = a.integer("out_channels");
  check_size("gather_channels: attribute 'out_channels'", spec.output.channels);
  check_shape_size(a.op(), spec.output);
  a.check_shape("index", {spec.output.channels});
  const std::string expected = "numbers from 0 to " + std::to_string(spec.input.channels - 1);
  const int64_t channels = spec.input.channels;
  spec.index =
      a.values_where<int32_t>("index", DType::i32, expected.c_str(), [=](int32_t v) { return v >= 0 && v < channels; });
  return spec;
}

}  // namespace xnorkit
