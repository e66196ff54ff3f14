// Builds what makes bits of floats, and pools on bits.
#include "program/state.h"

namespace xnorkit {

int Program::pack(int source, const Array<float>& threshold, const Array<uint8_t>& flip) {
  PackSpec spec;
  spec.input = state_->source("pack", source, Kind::f32);
  spec.output = spec.input;
  spec.output.kind = Kind::bits;
  check_channel_shape("pack: threshold", threshold, spec.input);
  check_shape("pack: flip", flip, threshold.shape);
  spec.threshold = copy_ordered("pack: threshold", threshold);
  spec.flip = copy_flags("pack: flip", flip);
  return state_->add("pack", {source}, std::move(spec));
}

int Program::max_pool_bits(int source, const Geometry& geometry, const Array<uint8_t>& falling) {
  const std::string what = "max_pool_bits";
  MaxPoolBitsSpec spec;
  spec.input = state_->source(what.c_str(), source, Kind::bits);
  spec.geometry = geometry;
  check_one_group(what, geometry);
  spec.output = window_output(what, spec.input, geometry, Kind::bits, spec.input.channels);
  // With padding below the window's first step no window lies wholly outside.
  const bool inside = geometry.padding[0] < geometry.kernel[0] && geometry.padding[2] < geometry.kernel[0] &&
                      geometry.padding[1] < geometry.kernel[1] && geometry.padding[3] < geometry.kernel[1];
  if (!inside) {
    fail(what, ": padding is ", shape_text({geometry.padding.begin(), geometry.padding.end()}), " for a kernel of ",
         shape_text({geometry.kernel.begin(), geometry.kernel.end()}), "; required: padding smaller than the kernel");
  }
  check_shape(what + ": falling", falling, {spec.input.channels});
  spec.falling = copy_flags(what + ": falling", falling);
  return state_->add("max_pool_bits", {source}, std::move(spec));
}

}  // namespace xnorkit
