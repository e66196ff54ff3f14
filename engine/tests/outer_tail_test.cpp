// Tails of float convolutions, 8-bit ones, and floats with binary weights.
#include "tails.h"

namespace {

using namespace xnorkit;

const Geometry kSame{{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1};

template <class Spec>
Spec shaped(Kind kind, int64_t height, int64_t width, int64_t channels, int64_t o, int64_t groups) {
  Spec spec;
  spec.input = {kind, height, width, channels};
  spec.output = {Kind::f32, height, width, o};
  spec.geometry = kSame;
  spec.geometry.groups = groups;
  return spec;
}

void check_float(int64_t height, int64_t width, int64_t channels, int64_t o, int64_t groups, const tails::List& list) {
  data::Random random(static_cast<uint32_t>(o));
  auto spec = shaped<FloatConvSpec>(Kind::f32, height, width, channels, o, groups);
  spec.weight = random.rough_floats(o * spec.filter_values());
  spec.bias = random.rough_floats(o);
  const auto image = random.rough_floats(2 * spec.input.elements());
  tails::check("float, " + std::to_string(channels) + " to " + std::to_string(o), spec, image.data(), 2, list, random);
}

void check_binary_weight(int64_t height, int64_t width, int64_t channels, int64_t o, const tails::List& list,
                         int64_t groups = 1) {
  data::Random random(static_cast<uint32_t>(o));
  auto spec = shaped<BinaryWeightConvSpec>(Kind::f32, height, width, channels, o, groups);
  spec.weight = random.filters(o, spec.filter_values());
  spec.scale = random.rough_floats(o);
  spec.bias = random.rough_floats(o);
  const auto image = random.rough_floats(2 * spec.input.elements());
  tails::check("binary weights, " + std::to_string(o), spec, image.data(), 2, list, random);
}

void check_int8(int64_t height, int64_t width, int64_t channels, int64_t o, const tails::List& list,
                int64_t groups = 1) {
  data::Random random(static_cast<uint32_t>(o));
  auto spec = shaped<Int8ConvSpec>(Kind::u8, height, width, channels, o, groups);
  for (int64_t i = 0; i < o * spec.filter_values(); ++i) spec.weight.push_back(static_cast<int8_t>(random.below(256)));
  for (int64_t c = 0; c < channels; ++c) spec.zero_point.push_back(static_cast<uint8_t>(random.below(256)));
  spec.bias = random.integers(o, 1000);
  spec.epilogue = kToF32;
  spec.scale = random.rough_floats(o);
  for (float& scale : spec.scale) scale *= 1e-4f;
  std::vector<uint8_t> image;
  for (int64_t i = 0; i < 2 * spec.input.elements(); ++i) image.push_back(static_cast<uint8_t>(random.below(256)));
  tails::check("8-bit, " + std::to_string(o), spec, image.data(), 2, list, random);
}

}  // namespace

int main() {
  for (const tails::List& list : tails::lists()) {
    for (const int64_t o : {1, 8, 15, 16, 17, 31, 33, 48, 64, 65, 100}) {
      check_float(3, 4, 3, o, 1, list);
      check_binary_weight(3, 4, 3, o, list);
      check_int8(3, 4, 3, o, list);
    }
    for (int64_t width = 1; width <= 13; ++width) {
      check_float(1, width, 2, 70, 1, list);
      check_binary_weight(1, width, 2, 70, list);
      check_int8(1, width, 2, 70, list);
    }
    for (const int64_t channels : {7, 16, 40, 70}) {
      check_float(3, 5, channels, channels, channels, list);
      check_binary_weight(3, 5, channels, channels, list, channels);
      check_int8(3, 5, channels, channels, list, channels);
    }
    check_float(3, 5, 4, 128, 2, list);
  }
  return check::finish();
}
