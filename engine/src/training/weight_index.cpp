#include "training/weight_index.h"

#include <algorithm>
#include <vector>

namespace xnorkit {

WeightIndex::WeightIndex(const SignConv& conv, const SumShape& shape, const SumKernels& kernels, const uint32_t* weight)
    : blocks(shape.blocks) {
  const int64_t values = int64_t{kernels.group} * kernels.word_groups;
  const int64_t words = (shape.group_out + values - 1) / values;
  block_bytes = words * kernels.index_bytes;
  data.resize(conv.geometry.groups * blocks * block_bytes);
  const int64_t tap_halves = 2 * ((shape.group_in + 31) / 32), filter_halves = shape.taps * tap_halves;
  const auto* halves = reinterpret_cast<const uint16_t*>(weight);
  std::vector<const uint16_t*> source(values);
  uint8_t* result = data.data();
  for (int64_t group = 0; group < conv.geometry.groups; ++group) {
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t offset[kSumParts];
      for (int part = 0; part < kSumParts; ++part) {
        // Lanes beyond the last part are not read back.
        const int64_t p = std::min(block * kSumParts + part, shape.parts - 1);
        offset[part] = shape.tap_of(p) * tap_halves + shape.channel_of(p) / 16;
      }
      for (int64_t first = 0; first < shape.group_out; first += values, result += kernels.index_bytes) {
        const int64_t count = std::min(values, shape.group_out - first);
        for (int64_t k = 0; k < count; ++k) {
          source[k] = halves + (group * shape.group_out + first + k) * filter_halves;
        }
        kernels.index({source.data(), static_cast<int32_t>(count), offset, result});
      }
    }
  }
}

}  // namespace xnorkit
