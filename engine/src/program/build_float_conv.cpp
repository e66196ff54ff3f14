// Builds float convolutions.
#include "program/state.h"

namespace xnorkit {

int Program::float_conv2d(int source, const Array<float>& weight, const Array<float>& bias, const Geometry& geometry) {
  const std::string what = "float_conv2d";
  FloatConvSpec spec;
  spec.input = state_->source(what.c_str(), source, Kind::f32);
  spec.geometry = geometry;
  if (weight.shape.size() != 4) {
    fail(what, ": weight has shape ", shape_text(weight.shape), "; required (O, KH, KW, I)");
  }
  const int64_t out_channels = weight.shape[0];
  spec.output = window_output(what, spec.input, geometry, Kind::f32, out_channels);
  check_shape(what + ": weight", weight, {out_channels, geometry.kernel[0], geometry.kernel[1], spec.group_channels()});
  checked_product((what + ": values of a filter").c_str(), {geometry.taps(), spec.group_channels()}, kMaxFilter);
  checked_product((what + ": arranged weights").c_str(),
                  {out_channels + 15 * geometry.groups, geometry.taps(), spec.group_channels()}, kMaxElements);
  check_shape(what + ": bias", bias, {out_channels});
  spec.weight = copy_finite(what + ": weight", weight);
  spec.bias = copy_finite(what + ": bias", bias);
  return state_->add("float_conv2d", {source}, std::move(spec));
}

}  // namespace xnorkit
