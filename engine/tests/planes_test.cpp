// Values to planes: every instruction set against the reference, blocks of 8 pixels x 8 channels and what is left.
#include "data.h"

namespace {

using typed::Program;
using xnorkit::Input;

void check_planes(int64_t images, int64_t height, int64_t width, int64_t channels,
                  const std::vector<int>& threads = {1}) {
  data::Random random(static_cast<uint32_t>(channels));
  const auto values = random.rough_floats(images * height * width * channels);
  const Input input{Input::Type::float32, values.data(), {images, height, width, channels}};
  const auto build = [](Program& program) { program.finish({program.planes(0)}); };
  data::check_isas("planes " + std::to_string(channels), "f32", height, width, channels, input, build, threads);

  // There and back again.
  Program back("image", height, width, channels);
  const std::vector<float> zeros(channels, 0.0f);
  const auto bias = data::view(zeros, {channels});
  back.finish({back.planes(back.affine(0, nullptr, &bias))});
  const auto result = data::run(back, {Input::Type::float32, values.data(), {images, channels, height, width}}, 1)[0];
  bool same = true;
  for (size_t i = 0; i < values.size(); ++i) {
    uint32_t bits;
    std::memcpy(&bits, &values[i], sizeof bits);
    same = same && (bits == result[i] || values[i] == 0.0f);
  }
  CHECK(same, "planes of an image in planes");
}

}  // namespace

int main() {
  for (const int64_t channels : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 64, 65}) {
    check_planes(2, 3, 5, channels);
    check_planes(1, 1, 1, channels);
    check_planes(1, 4, 8, channels);
  }
  for (int64_t width = 1; width < 20; ++width) check_planes(2, 1, width, 12);
  check_planes(17, 40, 30, 24, {1, 2, 3});
  Program program("bits", 2, 2, 3);
  CHECK_THROWS(program.planes(0), "value 0 is bits, but it must be f32.");
  Program after("f32", 2, 2, 3);
  const int planes = after.planes(0);
  CHECK_THROWS(after.planes(planes), "is planes, but it must be f32.");
  return check::finish();
}
