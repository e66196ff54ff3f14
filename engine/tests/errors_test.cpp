// What the engine refuses, and that it says what it received and what that must be.
#include <cmath>
#include <limits>

#include "data.h"
#include "xnorkit/training.h"

namespace {

using typed::Program;
using xnorkit::Geometry;
using xnorkit::Input;

void construction() {
  CHECK_THROWS(Program("voxels", 4, 4, 3), "kind is 'voxels', but it must be 'image', 'pixels', 'bits' or 'f32'.");
  CHECK_THROWS(Program("image", 0, 4, 3), "height is 0, but it must be from 1 to");
  CHECK_THROWS(Program("image", 1 << 20, 1 << 20, 3), "(1048576, 1048576, 3), but their product must be at most");
  CHECK_THROWS(Program("image", 4, 4, 3, "sse9"), "isa is 'sse9', but it must be one that this CPU and build have:");
}

void building() {
  Program p("image", 4, 4, 3);
  const std::vector<float> weight(2 * 3 * 3 * 3, 1.0f);
  const std::vector<float> bias(2, 0.0f);
  const auto weights = data::view(weight, {2, 3, 3, 3});
  const auto biases = data::view(bias, {2});
  CHECK_THROWS(p.float_conv2d(1, weights, biases, {{3, 3}}),
               "received value 1, but it must be an earlier value, from 0 to 0.");
  CHECK_THROWS(p.float_conv2d(-1, weights, biases, {{3, 3}}), "received value -1");
  CHECK_THROWS(p.float_conv2d(0, weights, biases, {{5, 3}}),
               "'kernel' reaches over 5 rows, but it must reach over at most 4, the size");
  CHECK_THROWS(p.float_conv2d(0, weights, biases, {{3, 3}, {0, 1}}), "'stride' holds 0");
  CHECK_THROWS(p.float_conv2d(0, weights, biases, {{3, 3}, {1, 1}, {-1, 0, 0, 0}}), "'padding' holds -1");
  CHECK_THROWS(p.float_conv2d(0, weights, biases, {{3, 3}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 2}),
               "'groups' is 2, but it must be a divisor of both 3 input and 2 output channels.");
  CHECK_THROWS(p.float_conv2d(0, weights, biases, {{2, 3}}),
               "'weight' has shape (2, 3, 3, 3), but it must be (2, 2, 3, 3).");
  CHECK_THROWS(p.float_conv2d(0, weights, data::view(bias, {1}), {{3, 3}}),
               "'bias' has shape (1,), but it must be (2,).");
  const std::vector<float> bad{0.0f, NAN};
  CHECK_THROWS(p.float_conv2d(0, weights, data::view(bad, {2}), {{3, 3}}), "nan at flat index 1");
  const std::vector<uint8_t> flags(3, 0);
  CHECK_THROWS(p.max_pool_bits(0, {{2, 2}}, data::view(flags, {3})), "value 0 is f32, but it must be bits.");
  CHECK_THROWS(p.pack(0, data::view(bias, {2}), data::view(flags, {2})),
               "'threshold' has shape (2,), but it must be (3,) or (4, 4, 3).");
  const std::vector<float> thresholds(3, NAN);
  CHECK_THROWS(p.pack(0, data::view(thresholds, {3}), data::view(flags, {3})), "'threshold' has nan");
  const std::vector<float> zeros(3, 0.0f);
  const std::vector<uint8_t> twos(3, 2);
  CHECK_THROWS(p.pack(0, data::view(zeros, {3}), data::view(twos, {3})),
               "'flip' has 2 at flat index 0, but it must hold nothing but 0 and 1.");
  const int bits = p.pack(0, data::view(zeros, {3}), data::view(flags, {3}));
  CHECK_THROWS(p.max_pool_bits(bits, {{2, 2}, {1, 1}, {2, 0, 0, 0}}, data::view(flags, {3})),
               "but it must be less than the kernel (2, 2) on every side");
  CHECK_THROWS(p.pad_bits(0, {1, 1, 1, 1}), "pad_bits: value 0 is f32, but it must be bits.");
  CHECK_THROWS(p.pad_bits(bits, {1, -1, 1, 1}), "pad_bits: padding of width is -1, but it must be at least 0.");
  const int64_t most = std::numeric_limits<int64_t>::max();
  CHECK_THROWS(p.pad_bits(bits, {most, 0, 0, 0}),
               "pad_bits: padding of height is 9223372036854775807, but it must be from 1 to");
  CHECK_THROWS(p.pad(0, {0, 0, 0, 0}, 0, most), "pad: padding of channels is 9223372036854775807");
  const std::vector<uint8_t> filter{0xff};
  CHECK_THROWS(p.binary_conv2d_i32(bits, data::view(filter, {1, 1}), 1, {}),
               "bits beyond the 3 of filter 0, but it must hold zeros in the last 5 bits");
  CHECK_THROWS(p.binary_conv2d_i32(bits, data::view(filter, {1, 1}), 2, {}),
               "'weight' has shape (1, 1), but it must be (2, 1).");
  CHECK_THROWS(p.binary_conv2d_i32(bits, data::view(filter, {1, 1}), 0, {}), "the number of output channels is 0");
  CHECK_THROWS(p.info(9), "received value 9");

  CHECK_THROWS(p.finish({}), "received no outputs");
  CHECK_THROWS(p.finish({0}), "value 0, the input itself");
  CHECK_THROWS(p.finish({bits, bits}), "twice");
  CHECK_THROWS(p.finish({7}), "received value 7");
  CHECK_THROWS(p.check_input({}), "not finished");
  p.finish({bits});
  CHECK_THROWS(p.finish({bits}), "the program is finished");
  CHECK_THROWS(p.pack(0, data::view(zeros, {3}), data::view(flags, {3})), "the program is finished");

  // A dot product beyond 2^24 would not be exact in float32.
  const int64_t wide = 1 << 22;
  Program large("bits", 3, 2, wide);
  CHECK_THROWS(large.binary_conv2d_i32(0, data::view(filter, {1, 1}), 1, {{3, 2}}),
               "but their product must be at most 16777216.");
}

void running() {
  Program p("image", 2, 2, 3);
  const std::vector<float> zeros(3, 0.0f);
  const std::vector<uint8_t> flags(3, 0);
  p.finish({p.pack(0, data::view(zeros, {3}), data::view(flags, {3}))});
  std::vector<float> image(2 * 12, 1.0f);
  const auto input = [&](std::vector<int64_t> shape) { return Input{Input::Type::float32, image.data(), shape}; };
  CHECK_THROWS(data::run(p, input({2, 3, 2}), 1), "shape (2, 3, 2), but it must be (N, 3, 2, 2).");
  CHECK_THROWS(data::run(p, input({2, 2, 2, 3}), 1), "but it must be (N, 3, 2, 2).");
  CHECK_THROWS(data::run(p, input({2, 3, 2, 2}), 0), "threads is 0, but it must be from 1 to 256.");
  CHECK_THROWS(data::run(p, Input{Input::Type::uint8, image.data(), {2, 3, 2, 2}}, 1), "the input has dtype uint8");
  CHECK_THROWS(data::run(p, Input{Input::Type::bits, image.data(), {2, 2, 2, 1}}, 1), "the input has dtype uint32");
  image[12 + 4 + 2] = INFINITY;
  CHECK_THROWS(data::run(p, input({2, 3, 2, 2}), 1), "inf at image 1, channel 1, row 1, column 0");
  image[5] = NAN;
  CHECK_THROWS(data::run(p, input({2, 3, 2, 2}), 1), "nan at image 0, channel 1, row 0, column 1");

  Program bits("bits", 1, 2, 33);
  const std::vector<uint8_t> filter(5, 0);
  bits.finish({bits.binary_conv2d_i32(0, data::view(filter, {1, 5}), 1, {})});
  const std::vector<uint32_t> words{0, 1, 0, 2};
  CHECK_THROWS(data::run(bits, {Input::Type::bits, words.data(), {1, 1, 2, 2}}, 1),
               "pixel 1 of the input has bits beyond");
}

// Sizes whose products or sums would leave int64.
void training() {
  const int64_t most = std::numeric_limits<int64_t>::max(), large = int64_t{1} << 40, wide = 1 << 24;
  CHECK_THROWS(xnorkit::check_sign_conv({1, 4, 4, 1, 0, {{most, most}, {1, 1}, {0, 0, 0, 0}, {2, 2}}}), "0 channels");
  CHECK_THROWS(xnorkit::check_sign_conv({1, 0, most, 1, 1, {{1, 1}, {1, 1}, {1, 1, 1, 1}}}), "received 0 x ");
  CHECK_THROWS(xnorkit::check_sign_conv({1, 4, 4, 1, 1, {{large, 1}, {1, 1}, {0, 0, 0, 0}, {wide, 1}}}), "axis 0");
  CHECK_THROWS(xnorkit::check_sign_conv({1, large, 1, 1, 1, {{1, 1}, {1, 1}, {0, wide, 0, wide}}}), "padded input");
}

}  // namespace

int main() {
  training();
  construction();
  building();
  running();
  return check::finish();
}
