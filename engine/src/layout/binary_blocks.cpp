#include "layout/binary_blocks.h"

#include <algorithm>

#include "common/bits.h"

namespace xnorkit {
namespace {

// Blocks of output channels [first, last); the last block has 32 lanes where one output word is left.
void add_blocks(int64_t first, int64_t last, int64_t source, std::vector<BinaryBlock>& list) {
  for (; first < last; first += kBlockLanes) {
    const int64_t channels = std::min<int64_t>(kBlockLanes, last - first);
    list.push_back({first, channels, channels > 32 ? 64 : 32, source, 0});
  }
}

// Where a bit of a step's word is among the bits of its block.
int64_t place(WeightLayout layout, int64_t lanes, int64_t steps, int64_t lane, int64_t step, int64_t bit) {
  switch (layout) {
    case kPlain: return 32 * (lane * steps + step) + bit;
    case kInterleaved: return 32 * (step * lanes + lane) + bit;
    case kNibbles:
      return 8 * ((8 * step + bit / 4) * lanes + lane / 32 * 32 + lane % 16 * 2 + lane % 32 / 16) + bit % 4;
  }
  return 0;
}

}  // namespace

BinaryBlocks make_blocks(const BinaryConvSpec& spec) {
  const int64_t group_in = spec.group_channels();
  const int64_t group_out = spec.output.channels / spec.geometry.groups;
  BinaryBlocks blocks{{}, false, spec.input.words()};
  if (spec.geometry.groups == 1) {
    add_blocks(0, spec.output.channels, 0, blocks.list);
  } else if (group_in % 32 == 0 && group_out % 32 == 0) {
    blocks.tap_words = group_in / 32;
    for (int64_t g = 0; g < spec.geometry.groups; ++g) {
      add_blocks(g * group_out, (g + 1) * group_out, g * blocks.tap_words, blocks.list);
    }
  } else {
    blocks.masked = true;
    blocks.tap_words = 1;
    add_blocks(0, spec.output.channels, 0, blocks.list);
    for (BinaryBlock& block : blocks.list) {
      block.source = block.first / group_out * group_in / 32;
      const int64_t last_group = (block.first + block.channels - 1) / group_out;
      blocks.tap_words = std::max(blocks.tap_words, ((last_group + 1) * group_in - 1) / 32 + 1 - block.source);
    }
    for (BinaryBlock& block : blocks.list) {
      block.source = std::min(block.source, spec.input.words() - blocks.tap_words);
    }
  }
  int64_t weight = 0;
  for (BinaryBlock& block : blocks.list) {
    block.weight = weight;
    weight += block.lanes * spec.geometry.taps() * blocks.tap_words;
  }
  return blocks;
}

int64_t step_words(WeightLayout layout) { return layout == kNibbles ? 2 : 1; }

BinaryWeights arrange_weights(const BinaryConvSpec& spec, const BinaryBlocks& blocks, WeightLayout layout) {
  const int64_t steps = spec.geometry.taps() * blocks.tap_words;
  const int64_t group_in = spec.group_channels();
  const int64_t group_out = spec.output.channels / spec.geometry.groups;
  BinaryWeights weights;
  weights.bits.assign(step_words(layout) * (blocks.list.back().weight + blocks.list.back().lanes * steps), 0);
  if (blocks.masked) weights.mask = weights.bits;
  for (const BinaryBlock& block : blocks.list) {
    for (int64_t lane = 0; lane < block.channels; ++lane) {
      const int64_t o = block.first + lane;
      const int64_t first_bit = o / group_out * group_in - 32 * block.source;
      const uint8_t* from = spec.weight.data() + o * spec.filter_bytes();
      for (int64_t k = 0; k < spec.filter_values(); ++k) {
        const int64_t bit = first_bit + k % group_in;
        const int64_t step = k / group_in * blocks.tap_words + bit / 32;
        const int64_t begin = 32 * step_words(layout) * block.weight;
        const int64_t at = begin + place(layout, block.lanes, steps, lane, step, bit % 32);
        if (sign_of(from, k) < 0) weights.bits[at / 32] |= 1u << (at % 32);
        if (blocks.masked) weights.mask[at / 32] |= 1u << (at % 32);
      }
    }
  }
  return weights;
}

}  // namespace xnorkit
