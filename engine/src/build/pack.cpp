// Builds what makes bits, and 8-bit integers, of floats.
#include <cmath>

#include "build/checks.h"
#include "plan/state.h"

namespace xnorkit {

int Program::pack(int source, const Array<float>& threshold, const Array<uint8_t>& flip) {
  auto spec = state_->spec_on<PackSpec>("pack", source, Kind::f32);
  spec.output.kind = Kind::bits;
  check_channel_shape("pack: threshold", threshold, spec.input);
  check_shape("pack: flip", flip, threshold.shape);
  spec.threshold = copy_ordered("pack: threshold", threshold);
  spec.flip = copy_flags("pack: flip", flip);
  return state_->add("pack", {source}, std::move(spec));
}

int Program::quantize_u8(int source, float scale, int64_t zero_point) {
  auto spec = state_->spec_on<QuantizeSpec>("quantize_u8", source, Kind::f32);
  spec.output.kind = Kind::u8;
  if (!(scale > 0.0f) || !std::isfinite(scale)) {
    fail("quantize_u8: scale is ", scale, "; required: a finite number above 0");
  }
  if (zero_point < 0 || zero_point > 255) fail("quantize_u8: zero_point is ", zero_point, "; required 0 to 255");
  spec.scale = scale;
  spec.zero_point = static_cast<uint8_t>(zero_point);
  return state_->add("quantize_u8", {source}, spec);
}

}  // namespace xnorkit
