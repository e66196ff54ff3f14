// The loops of SumRowKernels, for every instruction set as its compiler makes vectors of them.
#pragma once

#include <cstring>

#include "common/unroll.h"
#include "dispatch/sum_kernels.h"

namespace xnorkit {
namespace {

// The order of |x| is that of its bits as an integer, with infinity and NaN above all: a maximum that loops vectorise.
inline int32_t magnitude(float x) {
  int32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits & 0x7fffffff;
}

inline float from_magnitude(int32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

float abs_max(const float* x, const float* factor, int64_t pixels, int64_t channels) {
  int32_t most = 0;
  if (factor == nullptr) {
    for (int64_t i = 0; i < pixels * channels; ++i) {
      const int32_t bits = magnitude(x[i]);
      most = bits > most ? bits : most;
    }
    return from_magnitude(most);
  }
  for (int64_t i = 0; i < pixels; ++i, x += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      const int32_t bits = magnitude(x[c] * factor[c]);
      most = bits > most ? bits : most;
    }
  }
  return from_magnitude(most);
}

void abs_max_channels(const float* x, int64_t pixels, int64_t channels, float* most) {
  for (int64_t i = 0; i < pixels; ++i, x += channels) {
    XNORKIT_INDEPENDENT
    for (int64_t c = 0; c < channels; ++c) {
      const int32_t bits = magnitude(x[c]), before = magnitude(most[c]);
      most[c] = from_magnitude(bits > before ? bits : before);
    }
  }
}

// x + 1.5 * 2^23 has no fraction left: the addition rounds to the nearest integer, halves to even.
void quantize(const float* x, int64_t x_step, const float* factor, int64_t pixels, int64_t channels, int16_t* q,
              int64_t q_step) {
  constexpr float kNoFraction = 12582912.0f;
  for (int64_t i = 0; i < pixels; ++i, x += x_step, q += q_step) {
    XNORKIT_INDEPENDENT
    for (int64_t c = 0; c < channels; ++c) {
      const float rounded = x[c] * factor[c] + kNoFraction;
      int32_t bits;
      std::memcpy(&bits, &rounded, sizeof bits);
      q[c] = static_cast<int16_t>(bits);  // the low bits of the mantissa are the integer
    }
  }
}

void scale_sums(const int32_t* sum, int64_t sum_step, float scale, const uint32_t* inside, int64_t pixels,
                int64_t channels, float* y) {
  for (int64_t i = 0; i < pixels; ++i, sum += sum_step, y += channels) {
    if (inside == nullptr) {
      XNORKIT_INDEPENDENT
      for (int64_t c = 0; c < channels; ++c) y[c] = static_cast<float>(sum[c]) * scale;
      continue;
    }
    for (int64_t first = 0; first < channels; first += 32, ++inside) {
      const int32_t count = static_cast<int32_t>(channels - first < 32 ? channels - first : 32);
      XNORKIT_INDEPENDENT
      for (int32_t c = 0; c < count; ++c) {
        const int32_t keep = -static_cast<int32_t>((*inside >> c) & 1);
        y[first + c] = static_cast<float>(sum[first + c] & keep) * scale;
      }
    }
  }
}

void add_row(const int16_t* q, int64_t channels, int32_t* sum) {
  XNORKIT_INDEPENDENT
  for (int64_t c = 0; c < channels; ++c) sum[c] += q[c];
}

// The sum of all values of a row: the last entries of its tables.
inline int32_t row_total(const int16_t* table, int32_t groups, int32_t table_size, int32_t last) {
  int32_t total = 0;
  for (int32_t g = 0; g < groups; ++g) total += table[g * table_size + last];
  return total;
}

constexpr SumRowKernels kSumRowKernels = {abs_max, abs_max_channels, quantize, scale_sums, add_row};

}  // namespace
}  // namespace xnorkit
