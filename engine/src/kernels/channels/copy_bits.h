// Bits of a pixel to another place in a pixel: the same on every instruction set, for it is a handful of words.
#pragma once

#include <cstdint>

namespace xnorkit {

// Writes the first `bits` bits of `source`, whose padding bits are 0, to bits [first, first + bits) of `result`. Bits
// from `first` on must be 0 before.
void copy_bits(const uint32_t* source, int64_t bits, uint32_t* result, int64_t first);

}  // namespace xnorkit
