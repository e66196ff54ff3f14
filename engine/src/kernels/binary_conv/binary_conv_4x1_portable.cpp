// Binary convolution, up to 4 pixels x 1 channel, in 64-bit integers. Weights are plain: [lane][step].
#include <cstring>

#include "common/unroll.h"
#include "contract/kernels.h"
#include "kernels/tail/tail_portable.h"

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

// Number of differing bits of P pixels and one filter; at most 2^24, so 32 bits hold it. M: only where the mask is 1.
template <bool M, int P>
void count(const BinaryTile& tile, int32_t lane, int32_t (&differing)[P]) {
  const uint32_t* filter = tile.weight + static_cast<int64_t>(lane) * tile.filter_words;
  const uint32_t* filter_mask = M ? tile.mask + static_cast<int64_t>(lane) * tile.filter_words : nullptr;
  for (int p = 0; p < P; ++p) differing[p] = 0;
  for (int32_t r = 0; r < tile.run_count; ++r) {
    const Run run = tile.runs[r];
    const uint32_t* w = filter + run.weight;
    const uint32_t* mask = M ? filter_mask + run.weight : nullptr;
    int32_t i = 0;
    for (; i + 2 <= run.length; i += 2) {
      const uint64_t pair = load_pair(w + i);
      const uint64_t counted = M ? load_pair(mask + i) : ~uint64_t{0};
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) {
        differing[p] += popcount((load_pair(tile.source[p] + run.source + i) ^ pair) & counted);
      }
    }
    if (i < run.length) {
      const uint32_t counted = M ? mask[i] : ~uint32_t{0};
      XNORKIT_UNROLL
      for (int p = 0; p < P; ++p) differing[p] += popcount((tile.source[p][run.source + i] ^ w[i]) & counted);
    }
  }
}

template <bool M, int E, int P>
void binary_conv(const BinaryTile& tile) {
  uint32_t words[P][2] = {};
  for (int32_t lane = 0; lane < tile.channels; ++lane) {
    int32_t differing[P];
    count<M, P>(tile, lane, differing);
    for (int p = 0; p < P; ++p) {
      const int32_t dot = tile.valid_k - 2 * differing[p];
      if (E == kToBits) {
        words[p][lane / 32] |= static_cast<uint32_t>(differing[p] > tile.limit[p][lane]) << (lane % 32);
      } else if (E == kToF32) {
        const float scaled = static_cast<float>(dot) * tile.scale[lane];
        run_tail(tile.tail, p, lane, scaled + tile.bias[lane], words[p]);
      } else {
        static_cast<int32_t*>(tile.result[p])[lane] = dot;
      }
    }
  }
  const int32_t block_words = (tile.channels + 31) / 32;
  for (int p = 0; p < P; ++p) {
    for (int32_t i = 0; i < block_words; ++i) {
      if (E == kToBits) static_cast<uint32_t*>(tile.result[p])[i] = words[p][i] ^ tile.flip[p][i];
      if (E == kToF32 && tile.tail.bits != nullptr) tile.tail.bits[p][i] = words[p][i] ^ tile.tail.flip[i];
    }
  }
}

}  // namespace

#define XNORKIT_PIXELS(M, E) {binary_conv<M, E, 1>, binary_conv<M, E, 2>, binary_conv<M, E, 3>, binary_conv<M, E, 4>}
#define XNORKIT_LANES(M, E) {XNORKIT_PIXELS(M, E), XNORKIT_PIXELS(M, E)}
#define XNORKIT_TILES(M) {XNORKIT_LANES(M, kToBits), XNORKIT_LANES(M, kToF32), XNORKIT_LANES(M, kToI32)}
const BinaryConvKernels binary_conv_portable = {"binary_conv_4x1_portable", 4, kPlain, XNORKIT_TILES(false)};
const BinaryConvKernels masked_binary_conv_portable = {"masked_binary_conv_4x1_portable", 4, kPlain,
                                                       XNORKIT_TILES(true)};

}  // namespace xnorkit
