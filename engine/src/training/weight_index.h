// The sign bits of all filters as indices of the kernels: the lanes' operand of the input's gradient.
#pragma once

#include <cstdint>

#include "common/large_pages.h"
#include "training/shape.h"

namespace xnorkit {

struct WeightIndex {
  // weight: (O, taps, words of a group's channels). A lane's values are the filters under the last of `run` neighbouring
  // taps, then those under the tap before it, and so on to the first; each tap's padded to whole tables by +1.
  WeightIndex(const SignConv& conv, const SumShape& shape, int64_t run, const SumKernels& kernels,
              const uint32_t* weight);

  const uint8_t* of(int64_t group, int64_t block) const { return data.data() + (group * blocks + block) * block_bytes; }

  int64_t blocks;
  int64_t block_bytes;
  WeightVector<uint8_t> data;  // [group][block][word]
};

}  // namespace xnorkit
