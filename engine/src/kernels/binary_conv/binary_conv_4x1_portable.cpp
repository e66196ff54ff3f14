// Binary convolution, up to 4 pixels x 1 channel, in 64-bit integers. Weights are plain: [lane][step].
#include <cstring>

#include "common/unroll.h"
#include "dispatch/kernels.h"

namespace xnorkit {
namespace {

inline int32_t popcount(uint64_t v) {
#if defined(__POPCNT__) || defined(__aarch64__)
  return __builtin_popcountll(v);
#else
  v = v - ((v >> 1) & 0x5555555555555555u);
  v = (v & 0x3333333333333333u) + ((v >> 2) & 0x3333333333333333u);
  v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return static_cast<int32_t>((v * 0x0101010101010101u) >> 56);
#endif
}

inline uint64_t load_pair(const uint32_t* words) {
  uint64_t pair;
  std::memcpy(&pair, words, sizeof pair);
  return pair;
}

// Number of differing bits of P pixels and one filter; at most 2^24, so 32 bits hold it.
template <int P>
void count(const BinaryTile& tile, const uint32_t* filter, int32_t (&differing)[P]) {
  for (int p = 0; p < P; ++p) differing[p] = 0;
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* w = filter + run.weight;
    int32_t i = 0;
    for (; i + 2 <= run.length; i += 2) {
      const uint64_t pair = load_pair(w + i);
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) differing[p] += popcount(load_pair(tile.source[p] + run.source + i) ^ pair);
    }
    if (i < run.length) {
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) differing[p] += popcount(tile.source[p][run.source + i] ^ w[i]);
    }
  }
}

template <int E, int P>
void binary_conv(const BinaryTile& tile) {
  uint32_t words[P][2] = {};
  for (int32_t lane = 0; lane < tile.channels; ++lane) {
    int32_t differing[P];
    count<P>(tile, tile.weight + static_cast<int64_t>(lane) * tile.filter_words, differing);
    for (int p = 0; p < P; ++p) {
      const int32_t dot = tile.valid_k - 2 * differing[p];
      if (E == kToBits) {
        words[p][lane / 32] |= static_cast<uint32_t>(differing[p] > tile.limit[p][lane]) << (lane % 32);
      } else if (E == kToF32) {
        const float scaled = static_cast<float>(dot) * tile.scale[lane];
        const float y = scaled + tile.bias[lane];
        static_cast<float*>(tile.result[p])[lane] = tile.relu && !(y > 0.0f) ? 0.0f : y;
      } else {
        static_cast<int32_t*>(tile.result[p])[lane] = dot;
      }
    }
  }
  if (E == kToBits) {
    const int32_t block_words = (tile.channels + 31) / 32;
    for (int p = 0; p < P; ++p)
      for (int32_t i = 0; i < block_words; ++i)
        static_cast<uint32_t*>(tile.result[p])[i] = words[p][i] ^ tile.flip[p][i];
  }
}

}  // namespace

#define XNORKIT_PIXELS(E) {binary_conv<E, 1>, binary_conv<E, 2>, binary_conv<E, 3>, binary_conv<E, 4>}
#define XNORKIT_LANES(E) {XNORKIT_PIXELS(E), XNORKIT_PIXELS(E)}
const BinaryConvKernels binary_conv_portable = {
    4, false, {XNORKIT_LANES(kToBits), XNORKIT_LANES(kToF32), XNORKIT_LANES(kToI32)}};

}  // namespace xnorkit
