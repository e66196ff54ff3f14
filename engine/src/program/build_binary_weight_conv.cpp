// Builds convolutions of floats with binary weights.
#include "program/state.h"

namespace xnorkit {

int Program::binary_weight_conv2d(int source, const Array<uint8_t>& weight, int64_t out_channels,
                                  const Geometry& geometry, const Array<float>& scale, const Array<float>& bias) {
  const std::string what = "binary_weight_conv2d";
  BinaryWeightConvSpec spec;
  spec.input = state_->source(what.c_str(), source, Kind::f32);
  spec.geometry = geometry;
  spec.output = window_output(what, spec.input, geometry, Kind::f32, out_channels);
  checked_product((what + ": values of a filter").c_str(), {geometry.taps(), spec.group_channels()}, kMaxFilter);
  checked_product((what + ": arranged weights").c_str(),
                  {out_channels + 15 * geometry.groups, geometry.taps(), spec.group_channels()}, kMaxElements);
  check_shape(what + ": weight", weight, {out_channels, spec.filter_bytes()});
  check_shape(what + ": scale", scale, {out_channels});
  check_shape(what + ": bias", bias, {out_channels});
  spec.weight = copy(weight);
  check_filter_padding(what, spec.weight, out_channels, spec.filter_bits());
  spec.scale = copy_finite(what + ": scale", scale);
  spec.bias = copy_finite(what + ": bias", bias);
  return state_->add("binary_weight_conv2d", {source}, std::move(spec));
}

}  // namespace xnorkit
