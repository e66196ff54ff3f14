// Builds what makes bits of floats.
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

}  // namespace xnorkit
