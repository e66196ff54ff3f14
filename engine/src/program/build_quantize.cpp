// Builds the quantization of floats to 8 bits.
#include "program/state.h"

namespace xnorkit {

int Program::quantize_u8(int source, float scale, int64_t zero_point) {
  QuantizeSpec spec;
  spec.input = state_->source("quantize_u8", source, Kind::f32);
  spec.output = spec.input;
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
