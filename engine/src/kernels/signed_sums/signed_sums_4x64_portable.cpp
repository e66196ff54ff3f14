// Signed sums without intrinsics: tables of the 16 signed sums of 4 values, a byte of the index per lane and two bundles of 4.
#include "contract/sum_kernels.h"
#include "kernels/signed_sums/rows.h"

namespace xnorkit {
namespace {

constexpr int kBundle = 4, kWordBundles = 2, kTable = 16;

void index_portable(const SumIndex& job) {
  for (int lane = 0; lane < kSumLanes; ++lane) {
    uint32_t byte = 0;
    for (int32_t k = 0; k < job.count; ++k) {
      byte |= ((job.source[k][job.offset[lane / 16]] >> (lane % 16)) & 1u) << k;
    }
    job.result[lane] = static_cast<uint8_t>(byte);
  }
}

void tables_portable(const int16_t* value, int64_t bundles, int16_t* table) {
  for (int64_t g = 0; g < bundles; ++g, value += kBundle, table += kTable) {
    table[0] = static_cast<int16_t>(value[0] + value[1] + value[2] + value[3]);
    for (int bit = 0; bit < kBundle; ++bit) {
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
      for (int32_t g = 0; g < tile.bundles; ++g, table += kTable) {
        sum += table[(index[g / kWordBundles * kSumLanes] >> (4 * (g % kWordBundles))) & 15];
      }
      tile.result[p][tile.offset[lane / 16] + lane % 16] += sum;
    }
  }
}

}  // namespace

const SumKernels signed_sums_portable = {
    "signed_sums_4x64_portable",
    kBundle,
    kWordBundles,
    kTable,
    kSumLanes,
    index_portable,
    tables_portable,
    {signed_sums<1>, signed_sums<2>, signed_sums<3>, signed_sums<4>},
    kSumRowKernels,
};

}  // namespace xnorkit
