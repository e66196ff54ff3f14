// 8-bit convolution, P pixels x 16 channels in registers, 256 bits; a block is done 16 lanes at a time. Products::add adds
// the products of a step's 4 bytes and of each lane's 4 bytes of weights to that lane. For files that carry AVX2's flags.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "common/unroll.h"
#include "contract/outer_kernels.h"
#include "kernels/int8_conv/store_avx2.h"

namespace xnorkit {
namespace {

inline __attribute__((always_inline)) __m256i broadcast(const uint8_t* bytes) {
  int32_t step;
  std::memcpy(&step, bytes, sizeof step);
  return _mm256_set1_epi32(step);
}

template <class Products, int E, int P>
inline __attribute__((always_inline)) void int8_conv_16(const Int8Tile& tile, int first, uint64_t (&bits)[P]) {
  const uint8_t* source[P];
  __m256i sum[P][2];
  XNORKIT_UNROLL
  for (int p = 0; p < P; ++p) {
    source[p] = tile.source[p];
    sum[p][0] = load(tile.start + first);
    sum[p][1] = load(tile.start + first + 8);
  }
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* weight = tile.weight + static_cast<int64_t>(run.weight) * tile.lanes + first;
    const int64_t end = run.source + int64_t{4} * run.length;
    for (int64_t i = run.source; i < end; i += 4, weight += tile.lanes) {
      const __m256i low = load(weight);
      const __m256i high = load(weight + 8);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        const __m256i u = broadcast(source[p] + i);
        Products::add(sum[p][0], u, low);
        Products::add(sum[p][1], u, high);
      }
    }
  }
  store_sums<E, P>(tile, first, sum, bits);
}

template <class Products, int E, int P>
void int8_conv(const Int8Tile& tile) {
  uint64_t bits[P] = {};
  for (int first = 0; first < tile.lanes; first += 16) int8_conv_16<Products, E, P>(tile, first, bits);
  store_bits<E, P>(tile, bits);
}

}  // namespace
}  // namespace xnorkit
