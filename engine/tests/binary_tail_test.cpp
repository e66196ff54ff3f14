// Tails of binary convolutions: every instruction set against the reference, floats and bits together and each alone.
#include <array>

#include "data.h"
#include "dispatch/table.h"
#include "program/step.h"

namespace {

using namespace xnorkit;

struct Case {
  int64_t height, width, channels, out_channels;
  std::vector<PointwiseKind> list;
  bool relu = false;
  int64_t images = 2;
};

// The operand of a tail, or nothing: all pixels with their channels, a value per pixel, or a pixel per image.
std::vector<float> operand(PointwiseKind kind, int64_t images, int64_t pixels, int64_t channels, data::Random& random) {
  if (kind == kAddValue || kind == kMultiplyValue) return random.rough_floats(pixels * channels);
  if (kind == kAddPixel || kind == kMultiplyPixel) return random.rough_floats(pixels);
  if (kind == kAddChannel || kind == kMultiplyChannel) return random.rough_floats(images * channels);
  return {};
}

PointwiseSpec pointwise(PointwiseKind kind, int64_t channels, data::Random& random) {
  PointwiseSpec op{kind, {}};
  if (kind == kScale || kind == kShift || kind == kPrelu) op.values = random.rough_floats(channels);
  if (kind == kClip) op.low = -1.5f;
  if (kind == kClip) op.high = 2.25f;
  return op;
}

// Both results, as 32-bit patterns.
data::Outputs run(const std::string& isa, const BinaryConvSpec& spec, const std::vector<const void*>& sources,
                  int64_t images) {
  data::Outputs outputs(2);
  outputs[0].assign(images * spec.output.elements(), 0xdeadbeefu);
  outputs[1].assign(images * spec.output.pixels() * spec.output.words(), 0xdeadbeefu);
  void* const results[] = {spec.tail.store ? outputs[0].data() : nullptr, outputs[1].data()};
  make_step(kernel_table(isa), spec)->run({sources.data(), results}, images, 1);
  return outputs;
}

void check_case(const Case& c) {
  data::Random random(static_cast<uint32_t>(c.channels * 100 + c.out_channels));
  const int64_t o = c.out_channels;
  BinaryConvSpec spec;
  spec.input = {Kind::bits, c.height, c.width, c.channels};
  spec.output = {Kind::f32, c.height, c.width, o};
  spec.geometry = {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  spec.epilogue = kToF32;
  spec.weight = random.filters(o, 9 * c.channels);
  spec.scale = random.rough_floats(o);
  spec.bias = random.rough_floats(o);
  spec.relu = c.relu;
  const int64_t pixels = c.images * c.height * c.width;
  const auto image = random.words(pixels, c.channels);
  std::vector<const void*> sources{image.data()};
  std::vector<std::vector<float>> operands;
  operands.reserve(c.list.size());
  for (const PointwiseKind kind : c.list) {
    spec.tail.list.push_back(pointwise(kind, o, random));
    operands.push_back(operand(kind, c.images, pixels, o, random));
    if (!operands.back().empty()) sources.push_back(operands.back().data());
  }
  // One channel in three has its threshold at 0: an exact tie after a clip at 0 or a product with 0.
  spec.tail.threshold = random.rough_floats(o);
  for (int64_t i = 0; i < o; i += 3) spec.tail.threshold[i] = 0.0f;
  spec.tail.flip = random.flags(o);
  for (const auto& [store, bits] : {std::array<bool, 2>{true, false}, {false, true}, {true, true}}) {
    spec.tail.store = store;
    spec.tail.bits = bits;
    const data::Outputs expected = run("reference", spec, sources, c.images);
    for (const std::string& isa : isas()) {
      CHECK(run(isa, spec, sources, c.images) == expected,
            isa + ": " + std::to_string(c.width) + " " + std::to_string(c.channels) + " " + std::to_string(o) + " " +
                std::to_string(c.list.size()));
    }
  }
}

}  // namespace

int main() {
  const std::vector<std::vector<PointwiseKind>> lists = {
      {},
      {kAddValue},
      {kMultiplyValue},
      {kAddPixel},
      {kMultiplyPixel},
      {kAddChannel},
      {kMultiplyChannel},
      {kScale, kShift},
      {kClip},
      {kPrelu},
      {kScale, kShift, kAddValue, kShift, kPrelu, kShift},
      {kMultiplyPixel, kPrelu, kAddValue, kClip, kAddValue, kScale},
  };
  for (const auto& list : lists) {
    for (const int64_t o : {1, 7, 8, 9, 16, 31, 32, 33, 47, 64, 65, 100, 130}) check_case({4, 5, 40, o, list});
    for (int64_t width = 1; width <= 14; ++width) check_case({1, width, 33, 66, list, true, 1});
  }
  return check::finish();
}
