// Sums of a float convolution by fused multiply-adds, for browsers and processors that have them: a module of its own,
// because a browser that lacks relaxed SIMD would refuse the engine with it. It uses the engine's memory. xnorkit.js
// takes it where multiply_add rounds once.
#include <wasm_simd128.h>

#include "common/unroll.h"
#include "contract/kernels.h"

namespace xnorkit {
namespace {

constexpr int kRegisters = 2;  // of 4 lanes

// Pixels `first` to `first` + P - 1.
template <int P>
__attribute__((noinline)) void sum_pixels(const FloatTile& tile, int first, float* sums) {
  for (int lane = 0; lane < tile.lanes; lane += 4 * kRegisters) {
    v128_t sum[P][kRegisters];
    const float* source[P];
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      source[p] = tile.source[first + p];
      XNORKIT_UNROLL
      for (int n = 0; n < kRegisters; ++n) sum[p][n] = wasm_f32x4_const_splat(0.0f);
    }
    for (int32_t r = 0; r < tile.run_count; ++r) {
      const Run run = tile.runs[r];
      const float* weight = tile.weight + run.weight * tile.lanes + lane;
      for (int32_t i = run.source; i < run.source + run.length; ++i, weight += tile.lanes) {
        v128_t w[kRegisters];
        XNORKIT_UNROLL
        for (int n = 0; n < kRegisters; ++n) w[n] = wasm_v128_load(weight + 4 * n);
        XNORKIT_UNROLL
        for (int p = 0; p < P; ++p) {
          const v128_t x = wasm_v128_load32_splat(source[p] + i);
          XNORKIT_UNROLL
          for (int n = 0; n < kRegisters; ++n) sum[p][n] = wasm_f32x4_relaxed_madd(x, w[n], sum[p][n]);
        }
      }
    }
    XNORKIT_UNROLL
    for (int p = 0; p < P; ++p) {
      XNORKIT_UNROLL
      for (int n = 0; n < kRegisters; ++n) wasm_v128_store(sums + (first + p) * kBlockLanes + lane + 4 * n, sum[p][n]);
    }
  }
}

}  // namespace

// sums: [pixel][kBlockLanes].
extern "C" __attribute__((export_name("fused_sums"))) int32_t fused_sums(const FloatTile* tile, int32_t pixels,
                                                                         float* sums) {
  int32_t p = 0;
  for (; p + 4 <= pixels; p += 4) sum_pixels<4>(*tile, p, sums);
  for (; p < pixels; ++p) sum_pixels<1>(*tile, p, sums);
  return 1;
}

extern "C" __attribute__((export_name("multiply_add"))) float multiply_add(float x, float w, float sum) {
  return wasm_f32x4_extract_lane(
      wasm_f32x4_relaxed_madd(wasm_f32x4_splat(x), wasm_f32x4_splat(w), wasm_f32x4_splat(sum)), 0);
}

}  // namespace xnorkit
