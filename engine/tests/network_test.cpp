// A whole network with a branch and a dead end: buffers are shared over time, batches run in chunks, outputs may be
// read by later steps, several threads run one program.
#include <atomic>
#include <thread>

#include "data.h"

namespace {

using typed::Program;
using xnorkit::Input;

void build(Program& program) {
  data::Random random(3);
  const auto table = random.floats(3 * 256);
  program.set_uint8_table(data::view(table, {3, 256}));
  const auto weight = random.rough_floats(40 * 9 * 3);
  const auto bias = random.rough_floats(40);
  const int first = program.float_conv2d(0, data::view(weight, {40, 3, 3, 3}), data::view(bias, {40}),
                                         {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1});
  const auto threshold = random.floats(40);
  const auto flip = random.flags(40);
  const int bits = program.pack(first, data::view(threshold, {40}), data::view(flip, {40}));
  program.pack(first, data::view(threshold, {40}), data::view(flip, {40}));  // nobody reads it
  const int pooled = program.max_pool_bits(bits, {{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}, 1}, data::view(flip, {40}));
  const auto filters = random.filters(70, 9 * 40);
  const auto limits = random.integers(70, 20);
  const auto flips = random.flags(70);
  const int inner =
      program.binary_conv2d_bits(pooled, data::view(filters, {70, 45}), 70, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1},
                                 data::view(limits, {70}), data::view(flips, {70}));
  const auto branch_filters = random.filters(5, 40);
  const int branch = program.binary_conv2d_i32(bits, data::view(branch_filters, {5, 5}), 5, {});
  const auto last_filters = random.filters(11, 16 * 70);
  const auto scale = random.rough_floats(11);
  const int last = program.binary_conv2d_f32(inner, data::view(last_filters, {11, 140}), 11, {{4, 4}},
                                             data::view(scale, {11}), data::view(scale, {11}));
  program.finish({last, inner, branch});
}

}  // namespace

int main() {
  data::Random random(1);
  for (const int64_t images : {0, 1, 2, 15, 16, 17, 40}) {
    const auto floats = random.floats(images * 3 * 8 * 8);
    const std::vector<uint8_t> bytes(images * 3 * 8 * 8, 200);
    const std::vector<int64_t> shape{images, 3, 8, 8};
    data::check_isas("float32", "image", 8, 8, 3, {Input::Type::float32, floats.data(), shape}, build, {1, 2, 3});
    data::check_isas("uint8", "image", 8, 8, 3, {Input::Type::uint8, bytes.data(), shape}, build);
  }

  Program program("image", 8, 8, 3);
  build(program);
  CHECK(program.arena_bytes() == 4 * 8 * 8 * (3 + 2),
        "input and first bits overlap in time; the floats between are not stored, all else fits in the input's place");
  const auto floats = random.floats(20 * 3 * 8 * 8);
  const Input input{Input::Type::float32, floats.data(), {20, 3, 8, 8}};
  const auto expected = data::run(program, input, 1);
  std::atomic<int> wrong{0};
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user) {
    users.emplace_back([&, user] {
      for (int i = 0; i < 20; ++i) wrong += data::run(program, input, 1 + user) != expected;
    });
  }
  for (std::thread& user : users) user.join();
  CHECK(wrong == 0, "concurrent runs");
  return check::finish();
}
