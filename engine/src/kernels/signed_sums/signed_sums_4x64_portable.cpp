// Signed sums without intrinsics: tables of the 16 signed sums of 4 values, a byte of the index per lane and two groups of 4.
#include "dispatch/sum_kernels.h"
#include "kernels/signed_sums/rows.h"

namespace xnorkit {
namespace {

constexpr int kGroup = 4, kWordGroups = 2, kTable = 16;

void index_portable(const SumIndex& job) {
  for (int lane = 0; lane < kSumLanes; ++lane) {
    uint32_t byte = 0;
    for (int32_t k = 0; k < job.count; ++k) {
      byte |= ((job.source[k][job.offset[lane / 16]] >> (lane % 16)) & 1u) << k;
    }
    job.result[lane] = static_cast<uint8_t>(byte);
  }
}

void tables_portable(const int16_t* value, int64_t groups, int16_t* table) {
  for (int64_t g = 0; g < groups; ++g, value += kGroup, table += kTable) {
    table[0] = static_cast<int16_t>(value[0] + value[1] + value[2] + value[3]);
    for (int bit = 0; bit < kGroup; ++bit) {
      for (int i = 0; i < 1 << bit; ++i) table[(1 << bit) + i] = static_cast<int16_t>(table[i] - 2 * value[bit]);
    }
  }
}

template <int P>
void signed_sums(const SumTile& tile) {
  for (int p = 0; p < P; ++p) {
    for (int lane = 0; lane < 16 * tile.parts; ++lane) {
      const int16_t* table = tile.table + p * tile.table_step;
      const uint8_t* index = tile.index + lane;
      int32_t sum = 0;
      for (int32_t g = 0; g < tile.groups; ++g, table += kTable) {
        sum += table[(index[g / kWordGroups * kSumLanes] >> (4 * (g % kWordGroups))) & 15];
      }
      tile.result[p][tile.offset[lane / 16] + lane % 16] += sum;
    }
  }
}

}  // namespace

const SumKernels signed_sums_portable = {
    "signed_sums_4x64_portable",
    kGroup,
    kWordGroups,
    kTable,
    kSumLanes,
    index_portable,
    tables_portable,
    {signed_sums<1>, signed_sums<2>, signed_sums<3>, signed_sums<4>},
    kSumRowKernels,
};

}  // namespace xnorkit
