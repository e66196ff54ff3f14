// Single bits of packed signs: bit 1 means -1.
#pragma once

#include <cstdint>

namespace xnorkit {

// The value (-1 or +1) of a bit: of channel c of a pixel's words, and of bit k of a filter's bytes.
inline int sign_of(const uint32_t* words, int64_t c) { return (words[c / 32] >> (c % 32)) & 1u ? -1 : 1; }
inline int sign_of(const uint8_t* bytes, int64_t k) { return (bytes[k / 8] >> (k % 8)) & 1u ? -1 : 1; }

// Writes bit c of a pixel's words, which must have been cleared.
inline void set_bit(uint32_t* words, int64_t c, bool bit) { words[c / 32] |= static_cast<uint32_t>(bit) << (c % 32); }

}  // namespace xnorkit
