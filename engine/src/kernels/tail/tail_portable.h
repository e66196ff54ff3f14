// The tail of one float: for kernels that take a value at a time.
#pragma once

#include "contract/kernels.h"

namespace xnorkit {
namespace {

// The value of pixel p and a lane after the tail's operations.
inline float apply_tail(const Tail& tail, int p, int32_t lane, float y) {
  for (int32_t i = 0; i < tail.count; ++i) {
    const Pointwise& op = tail.list[i];
    switch (op.kind) {
      case kAddValue:
      case kAddChannel: y = y + op.operand[p][lane]; break;
      case kMultiplyValue:
      case kMultiplyChannel: y = y * op.operand[p][lane]; break;
      case kAddPixel: y = y + *op.operand[p]; break;
      case kMultiplyPixel: y = y * *op.operand[p]; break;
      case kScale: y = y * op.channel[lane]; break;
      case kShift: y = y + op.channel[lane]; break;
      case kClip:
        y = y > op.low ? y : op.low;
        y = y < op.high ? y : op.high;
        break;
      case kPrelu: y = y >= 0.0f ? y : y * op.channel[lane]; break;
    }
  }
  return y;
}

// Operations, float, bit; the words of the bits start at 0.
inline void run_tail(const Tail& tail, int p, int32_t lane, float y, uint32_t* words) {
  y = apply_tail(tail, p, lane, y);
  if (tail.result != nullptr) tail.result[p][lane] = y;
  if (tail.bits != nullptr) words[lane / 32] |= static_cast<uint32_t>(y < tail.threshold[lane]) << (lane % 32);
}

// The words of the bits of pixel 0, of a block of `channels` lanes, to where the tail wants them.
inline void store_words(const Tail& tail, int32_t channels, const uint32_t* words) {
  if (tail.bits == nullptr) return;
  for (int32_t i = 0; i < (channels + 31) / 32; ++i) tail.bits[0][i] = words[i] ^ tail.flip[i];
}

}  // namespace
}  // namespace xnorkit
