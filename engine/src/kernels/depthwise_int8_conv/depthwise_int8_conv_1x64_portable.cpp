// 8-bit convolution with one filter per channel, 1 pixel x 64 channels; both factors in 16 bits, whose products
// compilers make of the baseline's instructions.
#include <cstring>

#include "contract/outer_kernels.h"
#include "kernels/int8_conv/store_portable.h"

namespace xnorkit {
namespace {

template <int E>
void depthwise_int8_conv(const Int8Tile& tile) {
  int32_t sum[kBlockLanes];
  std::memcpy(sum, tile.start, 4 * static_cast<size_t>(tile.lanes));
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const uint8_t* bytes = tile.source[0] + tile.runs[r].source;
    const uint32_t* weight = tile.weight + static_cast<int64_t>(tile.runs[r].weight) * tile.lanes;
    for (int32_t lane = 0; lane < tile.lanes; ++lane) {
      const auto u = static_cast<int16_t>(bytes[lane]);
      const auto w = static_cast<int16_t>(weight[lane]);
      sum[lane] += u * w;
    }
  }
  store_sums<E>(tile, sum);
}

}  // namespace

// clang-format off
#define XNORKIT_LANES(E) \
  {{depthwise_int8_conv<E>}, {depthwise_int8_conv<E>}, {depthwise_int8_conv<E>}, {depthwise_int8_conv<E>}}
// clang-format on
const Int8ConvKernels depthwise_int8_conv_portable = {
    "depthwise_int8_conv_1x64_portable",
    1,
    kUnsignedBytes,
    {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
