// A fused multiply-add for processors that have none, and for C libraries whose own rounds twice, as that of MinGW-w64.
#pragma once

#include <cstdint>
#include <cstring>

namespace xnorkit {
namespace {

// x * w + s rounded once to float32, like std::fma; NaN and infinity as usual.
//
// The product of two floats has 48 bits, so it is exact in a double. Its sum with s is rounded to 53 bits; rounding that
// again to 24 could differ from one rounding, where the first one ends on, or crosses, the middle between two floats.
// Rounding the first sum to odd instead (if it is inexact, to the neighbour whose last bit is 1) keeps it off every
// such middle, whose last bits are 0, and on the right side: two rounding steps then equal one, as 53 >= 24 + 2 (Boldo
// and Melquiond, Emulation of FMA and correctly rounded sums, 2008). The error of the sum, exact by Knuth's algorithm,
// tells whether it is inexact and to which side.
inline float fused_multiply_add(float x, float w, float s) {
  const double product = static_cast<double>(x) * w;
  double sum = product + s;
  const double rest = sum - product;
  const double error = (product - (sum - rest)) + (s - rest);
  const bool inexact = error > 0.0 || error < 0.0;
  int64_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  if (inexact && (bits & 1) == 0) bits += (error > 0.0) == (sum > 0.0) ? 1 : -1;
  std::memcpy(&sum, &bits, sizeof bits);
  return static_cast<float>(sum);
}

}  // namespace
}  // namespace xnorkit
