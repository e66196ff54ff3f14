// Tails of binary convolutions.
#include "tails.h"

namespace {

using namespace xnorkit;

void check_case(int64_t height, int64_t width, int64_t channels, int64_t o, const tails::List& list, int64_t images,
                int64_t groups = 1) {
  data::Random random(static_cast<uint32_t>(channels * 100 + o));
  BinaryConvSpec spec;
  spec.input = {Kind::bits, height, width, channels};
  spec.output = {Kind::f32, height, width, o};
  spec.geometry = {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, groups};
  spec.epilogue = kToF32;
  spec.weight = random.filters(o, 9 * channels / groups);
  spec.scale = random.rough_floats(o);
  spec.bias = random.rough_floats(o);
  const auto image = random.words(images * height * width, channels);
  tails::check(std::to_string(width) + " wide, " + std::to_string(channels) + " to " + std::to_string(o), spec,
               image.data(), images, list, random);
}

}  // namespace

int main() {
  for (const tails::List& list : tails::lists()) {
    for (const int64_t o : {1, 7, 8, 9, 16, 31, 32, 33, 47, 64, 65, 100, 130}) check_case(4, 5, 40, o, list, 2);
    for (const int64_t c : {7, 16, 33, 48, 64, 100, 130}) check_case(4, 5, c, c, list, 2, c);
    for (int64_t width = 1; width <= 14; ++width) check_case(1, width, 33, 66, list, 1);
  }
  return check::finish();
}
