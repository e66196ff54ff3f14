// 8-bit convolution, up to 6 pixels x 16 to 64 channels in registers, AVX-512 with VNNI: vpdpbusd adds the products of
// 4 pixels' bytes (unsigned) and 4 weights (signed) to a 32-bit lane, without saturation.
#include <immintrin.h>

#include <cstring>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/int8_conv/dot_products_avx512.h"
#include "kernels/int8_conv/store_avx512.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) __m512i broadcast(const uint8_t* bytes) {
  int32_t step;
  std::memcpy(&step, bytes, sizeof step);
  return _mm512_set1_epi32(step);
}

template <int P, int N>
inline __attribute__((always_inline)) void accumulate(const Int8Tile& tile, __m512i (&sum)[P][N]) {
  const uint8_t* source[P];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    XNORKIT_UNROLL
    for (int n = 0; n < N; ++n) sum[p][n] = _mm512_loadu_si512(tile.start + 16 * n);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* weight = tile.weight + static_cast<int64_t>(run.weight) * (16 * N);
    const int64_t end = run.source + int64_t{4} * run.length;
    for (int64_t i = run.source; i < end; i += 4, weight += 16 * N) {
      __m512i w[N];
      XNORKIT_UNROLL
      for (int n = 0; n < N; ++n) w[n] = _mm512_loadu_si512(weight + 16 * n);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const __m512i u = broadcast(source[p] + i);
        XNORKIT_UNROLL
        for (int n = 0; n < N; ++n) dot_products(sum[p][n], u, w[n]);
      }
    }
  }
}

template <int E, int P, int N>
void int8_conv(const Int8Tile& tile) {
  __m512i sum[P][N];
  accumulate<P, N>(tile, sum);
  store_sums<E, P, N>(tile, sum);
}

}  // namespace

#define XNORKIT_PIXELS(E, N)                                   \
  {int8_conv<E, 1, N>, int8_conv<E, 2, N>, int8_conv<E, 3, N>, \
   int8_conv<E, 4, N>, int8_conv<E, 5, N>, int8_conv<E, 6, N>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E, 1), XNORKIT_PIXELS(E, 2), XNORKIT_PIXELS(E, 3), XNORKIT_PIXELS(E, 4)}
const Int8ConvKernels int8_conv_avx512 = {
    "int8_conv_6x64_avx512", 6, kUnsignedBytes, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
