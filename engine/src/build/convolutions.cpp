// Builds the convolutions: of floats, of 8-bit integers, and of bits.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "build/checks.h"
#include "plan/state.h"

namespace xnorkit {
namespace {

template <class Spec>
Spec convolution(const ProgramState& state, const std::string& what, int source, Kind from, int64_t out_channels,
                 const Geometry& geometry, Kind to) {
  Spec spec;
  spec.input = state.source(what, source, from);
  spec.geometry = geometry;
  spec.output = window_output(what, spec.input, geometry, to, out_channels);
  return spec;
}

// Refuses filters that are too long, and arranged weights that are too many: `lanes` beside the output channels, each
// of which meets `tap_elements` of a tap.
void check_filter(const std::string& what, const ConvSpec& spec, int64_t lanes, int64_t tap_elements) {
  const Geometry& g = spec.geometry;
  checked_product((what + ": values of a filter").c_str(), {g.kernel[0], g.kernel[1], spec.group_channels()},
                  kMaxFilter);
  checked_product((what + ": arranged weights").c_str(), {spec.output.channels + lanes, g.taps(), tap_elements},
                  kMaxElements);
}

// A filter's values as they are, in four dimensions.
template <class T>
int64_t out_channels_of(const std::string& what, const Array<T>& weight, const char* required) {
  if (weight.shape.size() != 4) fail(what, ": weight has shape ", shape_text(weight.shape), "; required ", required);
  return weight.shape[0];
}

template <class T>
void check_weight(const std::string& what, const Array<T>& weight, const ConvSpec& spec) {
  const Geometry& g = spec.geometry;
  check_shape(what + ": weight", weight, {spec.output.channels, g.kernel[0], g.kernel[1], spec.group_channels()});
}

// A filter's values as bits.
template <class Spec>
void take_bits(const std::string& what, const Array<uint8_t>& weight, Spec& spec) {
  check_shape(what + ": weight", weight, {spec.output.channels, spec.filter_bytes()});
  spec.weight = copy(weight);
  check_filter_padding(what, spec.weight, spec.output.channels, spec.filter_values());
}

std::vector<float> per_channel(const std::string& what, const Array<float>& array, const ConvSpec& spec) {
  check_shape(what, array, {spec.output.channels});
  return copy_finite(what, array);
}

void take_thresholds(const std::string& what, const Array<int32_t>& threshold, const Array<uint8_t>& flip,
                     IntegerConvSpec& spec) {
  spec.epilogue = kToBits;
  check_channel_shape(what + ": threshold", threshold, spec.output);
  check_shape(what + ": flip", flip, threshold.shape);
  spec.threshold = copy(threshold);
  spec.flip = copy_flags(what + ": flip", flip);
}

// What the three binary convolutions share.
BinaryConvSpec binary_conv(const ProgramState& state, const std::string& what, int source, const Array<uint8_t>& weight,
                           int64_t out_channels, const Geometry& geometry, Kind kind) {
  auto spec = convolution<BinaryConvSpec>(state, what, source, Kind::bits, out_channels, geometry, kind);
  check_filter(what, spec, 31, spec.input.words());
  take_bits(what, weight, spec);
  return spec;
}

// The sum of a filter is at most sum |q| * 255 + |bias| in magnitude: that must be an int32.
void check_sums(const std::string& what, const Int8ConvSpec& spec) {
  for (int64_t o = 0; o < spec.output.channels; ++o) {
    const int8_t* filter = spec.weight.data() + o * spec.filter_values();
    int64_t reach = std::abs(static_cast<int64_t>(spec.bias[o]));
    for (int64_t k = 0; k < spec.filter_values(); ++k) reach += 255 * std::abs(static_cast<int>(filter[k]));
    if (reach > std::numeric_limits<int32_t>::max()) {
      fail(what, ": the sum of filter ", o, " can reach ", reach, "; required: at most ",
           std::numeric_limits<int32_t>::max(), ", sum |weight| * 255 + |bias|");
    }
  }
}

// What the three 8-bit convolutions share.
Int8ConvSpec int8_conv(const ProgramState& state, const std::string& what, int source, const Array<int8_t>& weight,
                       const Array<uint8_t>& zero_point, const Array<int32_t>& bias, const Geometry& geometry,
                       Kind kind) {
  const int64_t out_channels = out_channels_of(what, weight, "(O, KH, KW, I / groups)");
  auto spec = convolution<Int8ConvSpec>(state, what, source, Kind::u8, out_channels, geometry, kind);
  check_weight(what, weight, spec);
  check_shape(what + ": zero_point", zero_point, {spec.input.channels});
  check_shape(what + ": bias", bias, {out_channels});
  // Blocks of 64 channels may read the inputs of 64 groups; an image is staged with its padding, in up to 16 bits.
  check_filter(what, spec, 31, std::min(spec.input.channels, 64 * spec.group_channels()));
  checked_product((what + ": the padded image").c_str(),
                  {spec.input.height + geometry.padding[0] + geometry.padding[2],
                   spec.input.width + geometry.padding[1] + geometry.padding[3], spec.input.channels, 2},
                  kMaxElements);
  spec.weight = copy(weight);
  spec.zero_point = copy(zero_point);
  spec.bias = copy(bias);
  check_sums(what, spec);
  return spec;
}

}  // namespace

int Program::float_conv2d(int source, const Array<float>& weight, const Array<float>& bias, const Geometry& geometry) {
  const std::string what = "float_conv2d";
  const int64_t out_channels = out_channels_of(what, weight, "(O, KH, KW, I)");
  auto spec = convolution<FloatConvSpec>(*state_, what, source, Kind::f32, out_channels, geometry, Kind::f32);
  check_weight(what, weight, spec);
  check_filter(what, spec, 15 * geometry.groups, spec.group_channels());
  spec.bias = per_channel(what + ": bias", bias, spec);
  spec.weight = copy_finite(what + ": weight", weight);
  return state_->add("float_conv2d", {source}, std::move(spec));
}

int Program::binary_weight_conv2d(int source, const Array<uint8_t>& weight, int64_t out_channels,
                                  const Geometry& geometry, const Array<float>& scale, const Array<float>& bias) {
  const std::string what = "binary_weight_conv2d";
  auto spec = convolution<BinaryWeightConvSpec>(*state_, what, source, Kind::f32, out_channels, geometry, Kind::f32);
  check_filter(what, spec, 15 * geometry.groups, spec.group_channels());
  take_bits(what, weight, spec);
  spec.scale = per_channel(what + ": scale", scale, spec);
  spec.bias = per_channel(what + ": bias", bias, spec);
  return state_->add("binary_weight_conv2d", {source}, std::move(spec));
}

int Program::int8_conv2d_bits(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point,
                              const Array<int32_t>& bias, const Geometry& geometry, const Array<int32_t>& threshold,
                              const Array<uint8_t>& flip) {
  const std::string what = "int8_conv2d_bits";
  Int8ConvSpec spec = int8_conv(*state_, what, source, weight, zero_point, bias, geometry, Kind::bits);
  take_thresholds(what, threshold, flip, spec);
  return state_->add("int8_conv2d_bits", {source}, std::move(spec));
}

int Program::int8_conv2d_f32(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point,
                             const Array<int32_t>& bias, const Geometry& geometry, const Array<float>& scale) {
  const std::string what = "int8_conv2d_f32";
  Int8ConvSpec spec = int8_conv(*state_, what, source, weight, zero_point, bias, geometry, Kind::f32);
  spec.epilogue = kToF32;
  spec.scale = per_channel(what + ": scale", scale, spec);
  return state_->add("int8_conv2d_f32", {source}, std::move(spec));
}

int Program::int8_conv2d_i32(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point,
                             const Array<int32_t>& bias, const Geometry& geometry) {
  Int8ConvSpec spec = int8_conv(*state_, "int8_conv2d_i32", source, weight, zero_point, bias, geometry, Kind::i32);
  return state_->add("int8_conv2d_i32", {source}, std::move(spec));
}

int Program::binary_conv2d_bits(int source, const Array<uint8_t>& weight, int64_t out_channels,
                                const Geometry& geometry, const Array<int32_t>& threshold, const Array<uint8_t>& flip) {
  const std::string what = "binary_conv2d_bits";
  BinaryConvSpec spec = binary_conv(*state_, what, source, weight, out_channels, geometry, Kind::bits);
  take_thresholds(what, threshold, flip, spec);
  return state_->add("binary_conv2d_bits", {source}, std::move(spec));
}

int Program::binary_conv2d_f32(int source, const Array<uint8_t>& weight, int64_t out_channels, const Geometry& geometry,
                               const Array<float>& scale, const Array<float>& bias) {
  const std::string what = "binary_conv2d_f32";
  BinaryConvSpec spec = binary_conv(*state_, what, source, weight, out_channels, geometry, Kind::f32);
  spec.epilogue = kToF32;
  spec.scale = per_channel(what + ": scale", scale, spec);
  spec.bias = per_channel(what + ": bias", bias, spec);
  return state_->add("binary_conv2d_f32", {source}, std::move(spec));
}

int Program::binary_conv2d_i32(int source, const Array<uint8_t>& weight, int64_t out_channels,
                               const Geometry& geometry) {
  BinaryConvSpec spec = binary_conv(*state_, "binary_conv2d_i32", source, weight, out_channels, geometry, Kind::i32);
  return state_->add("binary_conv2d_i32", {source}, std::move(spec));
}

}  // namespace xnorkit
