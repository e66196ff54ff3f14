#include "layout/binary_blocks.h"

#include <algorithm>

namespace xnorkit {
namespace {

// Blocks of output channels [first, last); the last block has 32 lanes where one output word is left.
void add_blocks(int64_t first, int64_t last, int64_t source, std::vector<BinaryBlock>& list) {
  for (; first < last; first += kBlockLanes) {
    const int64_t channels = std::min<int64_t>(kBlockLanes, last - first);
    list.push_back({first, channels, channels > 32 ? 64 : 32, source, 0});
  }
}

// Bits [first, first + count) of a filter, count <= 32.
uint32_t read_bits(const uint8_t* filter, int64_t first, int64_t count) {
  uint64_t bits = 0;
  for (int64_t byte = first / 8; byte <= (first + count - 1) / 8; ++byte) {
    bits |= uint64_t{filter[byte]} << (8 * (byte - first / 8));
  }
  return static_cast<uint32_t>(bits >> (first % 8) & ((uint64_t{1} << count) - 1));
}

// Adds the bits of a word to where a layout has those of a lane and a step, in the words of a block.
void add_word(WeightLayout layout, int64_t lanes, int64_t steps, int64_t lane, int64_t step, uint32_t word,
              uint32_t* block) {
  switch (layout) {
    case kPlain: block[lane * steps + step] |= word; return;
    case kInterleaved: block[step * lanes + lane] |= word; return;
    case kNibbles: {
      const int64_t place = lane / 32 * 32 + lane % 16 * 2 + lane % 32 / 16;
      for (int64_t nibble = 0; nibble < 8; ++nibble) {
        const int64_t byte = (8 * step + nibble) * lanes + place;
        block[byte / 4] |= (word >> (4 * nibble) & 15) << (byte % 4 * 8);
      }
      return;
    }
  }
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
      const int64_t begin = step_words(layout) * block.weight;
      for (int64_t tap = 0; tap < spec.geometry.taps(); ++tap) {
        for (int64_t c = 0; c < group_in;) {
          const int64_t bit = first_bit + c;
          const int64_t step = tap * blocks.tap_words + bit / 32;
          const int64_t count = std::min<int64_t>(32 - bit % 32, group_in - c);
          const uint32_t word = read_bits(from, tap * group_in + c, count) << (bit % 32);
          add_word(layout, block.lanes, steps, lane, step, word, weights.bits.data() + begin);
          if (blocks.masked) {
            const auto mask = static_cast<uint32_t>((uint64_t{1} << count) - 1) << (bit % 32);
            add_word(layout, block.lanes, steps, lane, step, mask, weights.mask.data() + begin);
          }
          c += count;
        }
      }
    }
  }
  return weights;
}

}  // namespace xnorkit
