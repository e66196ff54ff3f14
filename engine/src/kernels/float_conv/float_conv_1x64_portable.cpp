// Float convolution, 1 pixel x 64 channels, and depthwise. The same bits as everywhere else need a fused multiply-add:
// on x86-64, whose baseline has none, the body is compiled twice, with the instruction and with its emulation.
// WebAssembly has none at all.
#include <cmath>

#include "common/fma.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_portable.h"

namespace xnorkit {
namespace {

#if !defined(__wasm__)
struct Fused {
  inline __attribute__((always_inline)) float operator()(float x, float w, float s) const {
    return __builtin_fmaf(x, w, s);
  }
};
#endif

#if defined(__x86_64__) || defined(__wasm__)
struct Emulated {
  float operator()(float x, float w, float s) const { return fused_multiply_add(x, w, s); }
};
#endif

void store(const FloatTile& tile, const float* sum) {
  uint32_t words[2] = {};
  for (int32_t lane = 0; lane < tile.channels; ++lane) run_tail(tile.tail, 0, lane, sum[lane] + tile.bias[lane], words);
  store_words(tile.tail, tile.channels, words);
}

template <class Fma>
inline __attribute__((always_inline)) void accumulate(const FloatTile& tile, const Fma& fma, float* sum) {
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const float* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes;
    for (int32_t i = 0; i < run.length; ++i, weight += tile.lanes) {
      const float x = tile.source[0][run.source + i];
      for (int32_t lane = 0; lane < tile.lanes; ++lane) sum[lane] = fma(x, weight[lane], sum[lane]);
    }
  }
}

template <class Fma>
inline __attribute__((always_inline)) void accumulate_depthwise(const FloatTile& tile, const Fma& fma, float* sum) {
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const float* x = tile.source[0] + tile.runs[r].source;
    const float* weight = tile.weight + static_cast<int64_t>(tile.runs[r].weight) * tile.lanes;
    for (int32_t lane = 0; lane < tile.channels; ++lane) sum[lane] = fma(x[lane], weight[lane], sum[lane]);
  }
}

#if defined(__x86_64__)
__attribute__((target("fma"))) void accumulate_fused(const FloatTile& tile, bool depthwise, float* sum) {
  depthwise ? accumulate_depthwise(tile, Fused(), sum) : accumulate(tile, Fused(), sum);
}

void accumulate_any(const FloatTile& tile, bool depthwise, float* sum) {
  if (__builtin_cpu_supports("fma")) {
    accumulate_fused(tile, depthwise, sum);
  } else {
    depthwise ? accumulate_depthwise(tile, Emulated(), sum) : accumulate(tile, Emulated(), sum);
  }
}
#else
void accumulate_any(const FloatTile& tile, bool depthwise, float* sum) {
#if defined(__wasm__)
  const Emulated fma;
#else
  const Fused fma;
#endif
  depthwise ? accumulate_depthwise(tile, fma, sum) : accumulate(tile, fma, sum);
}
#endif

void float_conv(const FloatTile& tile) {
  float sum[kBlockLanes] = {};
  accumulate_any(tile, false, sum);
  store(tile, sum);
}

void depthwise_conv(const FloatTile& tile) {
  float sum[kBlockLanes] = {};
  accumulate_any(tile, true, sum);
  store(tile, sum);
}

}  // namespace

const FloatConvKernels float_conv_portable = {
    "float_conv_1x64_portable", 1, {{float_conv}, {float_conv}, {float_conv}, {float_conv}}};
const FloatConvKernels depthwise_conv_portable = {
    "depthwise_conv_1x64_portable", 1, {{depthwise_conv}, {depthwise_conv}, {depthwise_conv}, {depthwise_conv}}};

}  // namespace xnorkit
