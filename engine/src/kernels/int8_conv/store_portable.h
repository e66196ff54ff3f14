// From integer sums of one pixel to results.
#pragma once

#include <cstring>

#include "contract/outer_kernels.h"
#include "kernels/tail/tail_portable.h"

namespace xnorkit {
namespace {

template <int E>
void store_sums(const Int8Tile& tile, const int32_t* sum) {
  if (E == kToBits) {
    for (int32_t first = 0; first < tile.lanes; first += 32) {
      uint32_t word = 0;
      for (int32_t lane = 0; lane < 32; ++lane) {
        word |= static_cast<uint32_t>(sum[first + lane] < tile.limit[0][first + lane]) << lane;
      }
      static_cast<uint32_t*>(tile.result[0])[first / 32] = word ^ tile.flip[0][first / 32];
    }
  } else if (E == kToF32) {
    uint32_t words[2] = {};
    for (int32_t lane = 0; lane < tile.channels; ++lane) {
      run_tail(tile.tail, 0, lane, static_cast<float>(sum[lane]) * tile.scale[lane], words);
    }
    store_words(tile.tail, tile.channels, words);
  } else {
    std::memcpy(tile.result[0], sum, 4 * static_cast<size_t>(tile.channels));
  }
}

}  // namespace
}  // namespace xnorkit
