#include "training/weight_index.h"

#include <algorithm>
#include <vector>

namespace xnorkit {

WeightIndex::WeightIndex(const SignConv& conv, const SumShape& shape, int64_t run, const SumKernels& kernels,
                         const uint32_t* weight)
    : blocks(shape.blocks) {
  const int64_t word = int64_t{kernels.group} * kernels.word_groups;
  const int64_t tap_values = round_up(shape.group_out, kernels.group), values = run * tap_values;
  block_bytes = (values + word - 1) / word * kernels.index_bytes;
  data.resize(conv.geometry.groups * blocks * block_bytes);
  const int64_t tap_halves = 2 * ((shape.group_in + 31) / 32), filter_halves = shape.taps * run * tap_halves;
  const auto* halves = reinterpret_cast<const uint16_t*>(weight);
  const std::vector<uint16_t> zeros(filter_halves);
  std::vector<const uint16_t*> source(values);
  uint8_t* result = data.data();
  for (int64_t group = 0; group < conv.geometry.groups; ++group) {
    for (int64_t k = 0; k < values; ++k) {
      const int64_t filter = k % tap_values, tap = run - 1 - k / tap_values;
      source[k] = filter < shape.group_out
                      ? halves + (group * shape.group_out + filter) * filter_halves + tap * tap_halves
                      : zeros.data();
    }
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t offset[kSumParts];
      for (int part = 0; part < kSumParts; ++part) {
        // Lanes beyond the last part are not read back.
        const int64_t p = std::min(block * kSumParts + part, shape.parts - 1);
        offset[part] = shape.tap_of(p) * run * tap_halves + shape.channel_of(p) / 16;
      }
      for (int64_t first = 0; first < values; first += word, result += kernels.index_bytes) {
        const auto count = static_cast<int32_t>(std::min(word, values - first));
        kernels.index({source.data() + first, count, offset, result});
      }
    }
  }
}

}  // namespace xnorkit
