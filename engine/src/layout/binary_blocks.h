// The output channels of a binary convolution in blocks, and their weights as the kernels read them.
#pragma once

#include <cstdint>
#include <vector>

#include "common/large_pages.h"
#include "spec/convolutions.h"

namespace xnorkit {

// Up to kBlockLanes output channels that read the same words of a tap.
struct BinaryBlock {
  int64_t first;     // output channel
  int64_t channels;  // that exist
  int64_t lanes;     // 32 or 64
  int64_t source;    // word of a pixel where its taps begin
  int64_t weight;    // where its arranged weights begin, in steps of one lane
};

// Groups of whole words have blocks of their own. Other groups share blocks: a block reads all words of its groups, and
// a mask leaves to each lane the bits of its own group.
struct BinaryBlocks {
  std::vector<BinaryBlock> list;
  bool masked;
  int64_t tap_words;
};

BinaryBlocks make_blocks(const BinaryConvSpec& spec);

struct BinaryWeights {
  WeightVector<uint32_t> bits;
  WeightVector<uint32_t> mask;  // like bits; empty where the blocks are not masked
};

// Words that a layout takes for one step of one lane.
int64_t step_words(WeightLayout layout);

BinaryWeights arrange_weights(const BinaryConvSpec& spec, const BinaryBlocks& blocks, WeightLayout layout);

}  // namespace xnorkit
