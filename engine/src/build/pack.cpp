// Builds what makes bits, and 8-bit integers, of floats.
#include "build/operations.h"

namespace xnorkit {

Built build_pack(Arguments& a) {
  auto spec = a.spec_on<PackSpec>(Kind::f32);
  spec.output.kind = Kind::bits;
  a.check_channel_shape("threshold", spec.input);
  a.check_shape("flip", a.shape("threshold"));
  spec.threshold = a.ordered("threshold");
  spec.flip = a.flags("flip");
  return spec;
}

Built build_quantize_u8(Arguments& a) {
  auto spec = a.spec_on<QuantizeSpec>(Kind::f32);
  spec.output.kind = Kind::u8;
  const double scale = a.number("scale");
  const int64_t zero_point = a.integer("zero_point");
  if (!(scale >= 0x1p-126)) {
    fail(a.op(), ": attribute 'scale' is ", scale, ", but it must be a normal float32 number above 0.");
  }
  if (zero_point < 0 || zero_point > 255) {
    fail(a.op(), ": attribute 'zero_point' is ", zero_point, ", but it must be from 0 to 255.");
  }
  spec.scale = static_cast<float>(scale);
  spec.zero_point = static_cast<uint8_t>(zero_point);
  return spec;
}

}  // namespace xnorkit
