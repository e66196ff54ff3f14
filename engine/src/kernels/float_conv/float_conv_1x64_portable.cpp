// Float convolution, 1 pixel x 64 channels. The fused multiply-add is a library call where the baseline has none: slow,
// but the same bits as everywhere else.
#include <cmath>

#include "dispatch/kernels.h"

namespace xnorkit {
namespace {

void float_conv(const FloatTile& tile) {
  float sum[kBlockLanes] = {};
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes;
    for (int32_t i = 0; i < run.length; ++i, weight += tile.lanes) {
      const float x = tile.source[0][run.source + i];
      for (int32_t lane = 0; lane < tile.channels; ++lane) sum[lane] = std::fma(x, weight[lane], sum[lane]);
    }
  }
  for (int32_t lane = 0; lane < tile.channels; ++lane) {
    const float y = sum[lane] + tile.bias[lane];
    tile.result[0][lane] = tile.relu && !(y > 0.0f) ? 0.0f : y;
  }
}

}  // namespace

const FloatConvKernels float_conv_portable = {1, {{float_conv}, {float_conv}, {float_conv}, {float_conv}}};

}  // namespace xnorkit
