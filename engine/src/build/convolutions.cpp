// Builds the layers: of floats, of 8-bit integers, and of bits, as convolutions.
#include <algorithm>

#include "build/operations.h"

namespace xnorkit {
namespace {

// Weights of an 8-bit filter: with a bias of at most 2^30 every sum fits into int32 (docs/integer-layers.md).
constexpr int64_t kMaxInt8Filter = 33000;
constexpr int32_t kMaxInt8Bias = 1 << 30;

bool is_linear(const Arguments& a) {
  const std::string ending = "_linear";
  return a.op().size() > ending.size() && a.op().compare(a.op().size() - ending.size(), ending.size(), ending) == 0;
}

template <class Spec>
Spec convolution(Arguments& a, Kind from, Kind to) {
  Spec spec;
  spec.input = a.input(0, from);
  if (is_linear(a)) {
    spec.geometry.kernel = {spec.input.height, spec.input.width};
    spec.output = window_output(a.op(), spec.input, spec.geometry, to, a.integer("out_features"));
    return spec;
  }
  spec.geometry = a.window(true);
  spec.geometry.groups = a.integer("groups");
  spec.output = window_output(a.op(), spec.input, spec.geometry, to, a.integer("out_channels"));
  const int64_t in_channels = a.integer("in_channels");
  if (in_channels != spec.input.channels) {
    fail(a.op(), ": attribute 'in_channels' is ", in_channels, ", but it must be ", spec.input.channels,
         ", the channels of the value that it reads.");
  }
  return spec;
}

// Refuses filters that are too long, and arranged weights that are too many: `lanes` beside the output channels, each
// of which meets `tap_elements` of a tap.
void check_filter(const Arguments& a, const ConvSpec& spec, int64_t lanes, int64_t tap_elements) {
  const Geometry& g = spec.geometry;
  checked_product((a.op() + ": the sizes of a filter").c_str(), {g.kernel[0], g.kernel[1], spec.group_channels()},
                  kMaxFilter);
  checked_product((a.op() + ": the sizes of the arranged weights").c_str(),
                  {spec.output.channels + lanes, g.taps(), tap_elements}, kMaxElements);
}

// A filter's values as they are, in four dimensions.
void check_weight(Arguments& a, const ConvSpec& spec) {
  const Geometry& g = spec.geometry;
  a.check_shape("weight", {spec.output.channels, g.kernel[0], g.kernel[1], spec.group_channels()});
}

// A filter's values as bits.
template <class Spec>
void take_bits(Arguments& a, Spec& spec) {
  a.check_shape("weight", {spec.output.channels, spec.filter_bytes()});
  spec.weight = a.values<uint8_t>("weight", DType::u8);
  check_filter_padding(a.op(), spec.weight, spec.output.channels, spec.filter_values());
}

std::vector<float> per_channel(Arguments& a, const char* role, const ConvSpec& spec) {
  a.check_shape(role, {spec.output.channels});
  return a.finite(role);
}

// What a layer of integer sums makes of them.
Kind epilogue_kind(Arguments& a) {
  const std::string& epilogue = a.text("epilogue");
  if (epilogue == "bits") return Kind::bits;
  if (epilogue == "float") return Kind::f32;
  if (epilogue == "integers") return Kind::i32;
  fail(a.op(), ": attribute 'epilogue' is '", epilogue,
       "', but it must be 'bits' or 'float', or 'integers' for the sums themselves.");
}

void take_epilogue(Arguments& a, IntegerConvSpec& spec) {
  if (spec.output.kind == Kind::bits) {
    spec.epilogue = kToBits;
    a.check_channel_shape("threshold", spec.output);
    a.check_shape("flip", a.shape("threshold"));
    spec.threshold = a.values<int32_t>("threshold", DType::i32);
    spec.flip = a.flags("flip");
  } else if (spec.output.kind == Kind::f32) {
    spec.epilogue = kToF32;
    spec.scale = per_channel(a, "scale", spec);
  }
}

}  // namespace

Built build_float_layer(Arguments& a) {
  auto spec = convolution<FloatConvSpec>(a, Kind::f32, Kind::f32);
  check_filter(a, spec, 15 * spec.geometry.groups, spec.group_channels());
  check_weight(a, spec);
  spec.bias = per_channel(a, "bias", spec);
  spec.weight = a.finite("weight");
  return spec;
}

Built build_binary_weight_layer(Arguments& a) {
  auto spec = convolution<BinaryWeightConvSpec>(a, Kind::f32, Kind::f32);
  check_filter(a, spec, 15 * spec.geometry.groups, spec.group_channels());
  take_bits(a, spec);
  spec.scale = per_channel(a, "scale", spec);
  spec.bias = per_channel(a, "bias", spec);
  return spec;
}

Built build_int8_layer(Arguments& a) {
  auto spec = convolution<Int8ConvSpec>(a, Kind::u8, epilogue_kind(a));
  const Geometry& g = spec.geometry;
  // Blocks of 64 channels may read the inputs of 64 groups; an image is staged with its padding, in up to 16 bits.
  check_filter(a, spec, 31, std::min(spec.input.channels, 64 * spec.group_channels()));
  checked_product((a.op() + ": the sizes of the padded image").c_str(),
                  {spec.input.height + g.padding[0] + g.padding[2], spec.input.width + g.padding[1] + g.padding[3],
                   spec.input.channels, 2},
                  kMaxElements);
  if (spec.filter_values() > kMaxInt8Filter) {
    fail(a.op(), ": a filter has ", spec.filter_values(), " weights, but it must have at most ", kMaxInt8Filter,
         ", so that every sum fits in int32.");
  }
  check_weight(a, spec);
  a.check_shape("zero_point", {spec.input.channels});
  a.check_shape("bias", {spec.output.channels});
  spec.weight =
      a.values_where<int8_t>("weight", DType::i8, "numbers from -127 to 127", [](int8_t v) { return v != -128; });
  spec.zero_point = a.values<uint8_t>("zero_point", DType::u8);
  spec.bias = a.values_where<int32_t>("bias", DType::i32, "numbers from -2^30 to 2^30",
                                      [](int32_t v) { return v >= -kMaxInt8Bias && v <= kMaxInt8Bias; });
  take_epilogue(a, spec);
  return spec;
}

Built build_binary_layer(Arguments& a) {
  auto spec = convolution<BinaryConvSpec>(a, Kind::bits, epilogue_kind(a));
  check_filter(a, spec, 31, spec.input.words());
  take_bits(a, spec);
  take_epilogue(a, spec);
  if (spec.output.kind == Kind::f32) spec.bias = per_channel(a, "bias", spec);
  return spec;
}

}  // namespace xnorkit
