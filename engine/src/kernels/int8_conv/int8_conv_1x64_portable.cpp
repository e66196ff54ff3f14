// 8-bit convolution, 1 pixel x 64 channels. Values and weights are staged as 16 bits, in pairs: the form that compilers
// turn into a multiply-and-add-pairs instruction of the baseline.
#include <cstring>

#include "contract/outer_kernels.h"
#include "kernels/int8_conv/store_portable.h"

namespace xnorkit {
namespace {

template <int E>
void int8_conv(const Int8Tile& tile) {
  int32_t sum[kBlockLanes];
  std::memcpy(sum, tile.start, 4 * static_cast<size_t>(tile.lanes));
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes;
    for (int32_t i = 0; i < run.length; ++i, weight += tile.lanes) {
      int16_t u[2];
      int16_t w[2 * kBlockLanes];
      std::memcpy(u, tile.source[0] + run.source + int64_t{4} * i, sizeof u);
      std::memcpy(w, weight, 4 * static_cast<size_t>(tile.lanes));
      for (int32_t lane = 0; lane < tile.lanes; ++lane) sum[lane] += u[0] * w[2 * lane] + u[1] * w[2 * lane + 1];
    }
  }
  store_sums<E>(tile, sum);
}

}  // namespace

// clang-format off
#define XNORKIT_LANES(E) {{int8_conv<E>}, {int8_conv<E>}, {int8_conv<E>}, {int8_conv<E>}}
// clang-format on
const Int8ConvKernels int8_conv_portable = {
    "int8_conv_1x64_portable", 1, kPairs, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
