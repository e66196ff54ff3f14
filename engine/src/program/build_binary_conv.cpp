// Builds binary convolutions.
#include "program/state.h"

namespace xnorkit {
namespace {

// What the three binary convolutions share.
BinaryConvSpec binary_conv(const ProgramState& state, const char* what, int source_id, const Array<uint8_t>& weight,
                           int64_t out_channels, const Geometry& geometry, Kind kind) {
  BinaryConvSpec spec;
  spec.input = state.source(what, source_id, Kind::bits);
  spec.geometry = geometry;
  spec.output = window_output(what, spec.input, geometry, kind, out_channels);
  const std::string name = what;
  checked_product((name + ": bits of a filter").c_str(),
                  {geometry.kernel[0], geometry.kernel[1], spec.group_channels()}, kMaxFilter);
  checked_product((name + ": arranged weights").c_str(), {out_channels + 31, geometry.taps(), spec.input.words()},
                  kMaxElements);
  check_shape(name + ": weight", weight, {out_channels, spec.filter_bytes()});
  spec.weight = copy(weight);
  check_filter_padding(what, spec.weight, out_channels, spec.filter_bits());
  return spec;
}

}  // namespace

int Program::binary_conv2d_bits(int source, const Array<uint8_t>& weight, int64_t out_channels,
                                const Geometry& geometry, const Array<int32_t>& threshold, const Array<uint8_t>& flip) {
  const std::string what = "binary_conv2d_bits";
  BinaryConvSpec spec = binary_conv(*state_, what.c_str(), source, weight, out_channels, geometry, Kind::bits);
  spec.epilogue = kToBits;
  check_channel_shape(what + ": threshold", threshold, spec.output);
  check_shape(what + ": flip", flip, threshold.shape);
  spec.threshold = copy(threshold);
  spec.flip = copy_flags(what + ": flip", flip);
  return state_->add("binary_conv2d_bits", {source}, std::move(spec));
}

int Program::binary_conv2d_f32(int source, const Array<uint8_t>& weight, int64_t out_channels, const Geometry& geometry,
                               const Array<float>& scale, const Array<float>& bias) {
  const std::string what = "binary_conv2d_f32";
  BinaryConvSpec spec = binary_conv(*state_, what.c_str(), source, weight, out_channels, geometry, Kind::f32);
  spec.epilogue = kToF32;
  check_shape(what + ": scale", scale, {out_channels});
  check_shape(what + ": bias", bias, {out_channels});
  spec.scale = copy_finite(what + ": scale", scale);
  spec.bias = copy_finite(what + ": bias", bias);
  return state_->add("binary_conv2d_f32", {source}, std::move(spec));
}

int Program::binary_conv2d_i32(int source, const Array<uint8_t>& weight, int64_t out_channels,
                               const Geometry& geometry) {
  BinaryConvSpec spec = binary_conv(*state_, "binary_conv2d_i32", source, weight, out_channels, geometry, Kind::i32);
  return state_->add("binary_conv2d_i32", {source}, std::move(spec));
}

}  // namespace xnorkit
