// Running one step with tails: every instruction set against the reference, floats and bits together and each alone.
#pragma once

#include <array>

#include "data.h"
#include "dispatch/table.h"
#include "steps/step.h"

namespace tails {

using namespace xnorkit;

using List = std::vector<PointwiseKind>;

inline std::vector<List> lists() {
  return {
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
}

// The operand of an operation, or nothing: all pixels with their channels, a value per pixel, or a pixel per image.
inline std::vector<float> operand(PointwiseKind kind, int64_t images, int64_t pixels, int64_t channels,
                                  data::Random& random) {
  if (kind == kAddValue || kind == kMultiplyValue) return random.rough_floats(pixels * channels);
  if (kind == kAddPixel || kind == kMultiplyPixel) return random.rough_floats(pixels);
  if (kind == kAddChannel || kind == kMultiplyChannel) return random.rough_floats(images * channels);
  return {};
}

inline PointwiseSpec pointwise(PointwiseKind kind, int64_t channels, data::Random& random) {
  PointwiseSpec op{kind, {}};
  if (kind == kScale || kind == kShift || kind == kPrelu) op.values = random.rough_floats(channels);
  if (kind == kClip) op.low = -1.5f;
  if (kind == kClip) op.high = 2.25f;
  return op;
}

// Both results, as 32-bit patterns.
template <class Spec>
data::Outputs run(const std::string& isa, const Spec& spec, const std::vector<const void*>& sources, int64_t images) {
  data::Outputs outputs(2);
  outputs[0].assign(images * spec.output.elements(), 0xdeadbeefu);
  outputs[1].assign(images * spec.output.pixels() * spec.output.words(), 0xdeadbeefu);
  void* const results[] = {spec.tail.store ? outputs[0].data() : nullptr, outputs[1].data()};
  make_step(kernel_table(isa), spec)->run({sources.data(), results}, images, 1);
  return outputs;
}

// Gives `spec`, whose step reads `source`, the tail of `list`, and checks it.
template <class Spec>
void check(const std::string& what, Spec spec, const void* source, int64_t images, const List& list,
           data::Random& random) {
  const int64_t o = spec.output.channels;
  const int64_t pixels = images * spec.output.pixels();
  std::vector<const void*> sources{source};
  std::vector<std::vector<float>> operands;
  operands.reserve(list.size());
  for (const PointwiseKind kind : list) {
    spec.tail.list.push_back(pointwise(kind, o, random));
    operands.push_back(operand(kind, images, pixels, o, random));
    if (!operands.back().empty()) sources.push_back(operands.back().data());
  }
  // One channel in three has its threshold at 0: an exact tie after a clip at 0 or a product with 0.
  spec.tail.threshold = random.rough_floats(o);
  for (int64_t i = 0; i < o; i += 3) spec.tail.threshold[i] = 0.0f;
  spec.tail.flip = random.flags(o);
  for (const auto& [store, bits] : {std::array<bool, 2>{true, false}, {false, true}, {true, true}}) {
    spec.tail.store = store;
    spec.tail.bits = bits;
    const data::Outputs expected = run("reference", spec, sources, images);
    for (const std::string& isa : isas()) {
      CHECK(run(isa, spec, sources, images) == expected,
            isa + ": " + what + ", " + std::to_string(list.size()) + " operations");
    }
  }
}

}  // namespace tails
