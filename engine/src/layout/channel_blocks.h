// Output channels in blocks that tiles compute at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "contract/kernels.h"
#include "xnorkit/types.h"

namespace xnorkit {

// Consecutive output channels of one group of a convolution. Arrays of lanes (biases, scales) hold the blocks one after
// the other, each with its own number of lanes.
struct ChannelBlock {
  int64_t group;
  int64_t first_channel;
  int64_t channels;
  int64_t lanes;       // channels rounded up
  int64_t first_lane;  // lanes of the blocks before
};

// Blocks of at most kBlockLanes channels; no block spans two of the `groups`. Lanes are multiples of `multiple`.
inline std::vector<ChannelBlock> channel_blocks(int64_t out_channels, int64_t groups, int64_t multiple) {
  std::vector<ChannelBlock> blocks;
  const int64_t per_group = out_channels / groups;
  int64_t lane = 0;
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t first = 0; first < per_group; first += kBlockLanes) {
      const int64_t channels = std::min<int64_t>(kBlockLanes, per_group - first);
      const int64_t lanes = (channels + multiple - 1) / multiple * multiple;
      blocks.push_back({group, group * per_group + first, channels, lanes, lane});
      lane += lanes;
    }
  return blocks;
}

// Whether the lanes of the blocks are the channels in order, and blocks begin with a word of bits: then tiles run
// tails.
inline bool whole_word_groups(int64_t out_channels, int64_t groups) {
  return groups == 1 || out_channels / groups % 32 == 0;
}

inline int64_t total_lanes(const std::vector<ChannelBlock>& blocks) {
  return blocks.back().first_lane + blocks.back().lanes;
}

// `values`, one per channel, spread over the lanes of the blocks; lanes without a channel get `rest`.
template <class T>
std::vector<T> spread_lanes(const std::vector<ChannelBlock>& blocks, const T* values, T rest) {
  std::vector<T> lanes(static_cast<size_t>(total_lanes(blocks)), rest);
  for (const ChannelBlock& block : blocks) {
    std::copy_n(values + block.first_channel, block.channels, lanes.begin() + block.first_lane);
  }
  return lanes;
}

}  // namespace xnorkit
