#include "program/input.h"

#include <algorithm>

#include "common/error.h"

namespace xnorkit {

InputKind input_kind(const std::string& name) {
  const char* const names[] = {"image", "pixels", "bits", "f32"};
  for (int i = 0; i < 4; ++i) {
    if (name == names[i]) return static_cast<InputKind>(i);
  }
  fail("kind: received '", name, "'; required 'image', 'pixels', 'bits' or 'f32'");
}

Kind value_kind(InputKind kind) {
  if (kind == InputKind::bits) return Kind::bits;
  return kind == InputKind::pixels ? Kind::u8 : Kind::f32;
}

void check_input_array(InputKind kind, const Shape& value, const Normalization& normalization, const Input& input) {
  using Type = Input::Type;
  bool fits = false;
  const char* required = "";
  switch (kind) {
    case InputKind::image:
      fits = input.type == Type::float32 || (input.type == Type::uint8 && !normalization.table.empty());
      required = normalization.table.empty() ? "float32 images (set_uint8_table allows uint8)"
                                             : "float32 or uint8 images";
      break;
    case InputKind::pixels:
      fits = input.type == Type::uint8 || (input.type == Type::float32 && !normalization.mean.empty());
      required = normalization.mean.empty() ? "uint8 images (set_normalization allows float32)"
                                            : "uint8 or float32 images";
      break;
    case InputKind::bits:
      fits = input.type == Type::bits;
      required = "uint32 words of bits";
      break;
    case InputKind::f32:
      fits = input.type == Type::float32;
      required = "float32 values";
      break;
  }
  if (!fits) {
    const char* const names[] = {"float32", "uint8", "uint32"};
    fail("run: the input is ", names[static_cast<int>(input.type)], "; required ", required);
  }
  const std::vector<int64_t> one =
      in_place(kind) ? std::vector<int64_t>{value.height, value.width, value.pixel_elements()}
                     : std::vector<int64_t>{value.channels, value.height, value.width};
  if (input.shape.size() != 4 || !std::equal(one.begin(), one.end(), input.shape.begin() + 1)) {
    fail("run: the input has shape ", shape_text(input.shape), "; required (N, ", one[0], ", ", one[1], ", ", one[2],
         ")");
  }
}

}  // namespace xnorkit
