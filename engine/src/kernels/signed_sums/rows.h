// The loops of SumRowKernels, for every instruction set as its compiler makes vectors of them.
#pragma once

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "common/unroll.h"
#include "contract/sum_kernels.h"

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

constexpr int64_t kMaxLanes = 16;  // channels whose maxima stay in registers
constexpr int64_t kMaxPixels = 8;  // of these channels at once: they come from the nearest cache, whole lines of it

void abs_max_channels(const float* x, int64_t pixels, int64_t channels, float* most) {
  const int64_t whole = channels / kMaxLanes * kMaxLanes;
  for (int64_t first = 0; first < pixels; first += kMaxPixels) {
    const int64_t end = first + kMaxPixels < pixels ? first + kMaxPixels : pixels;
    for (int64_t c = 0; c < whole; c += kMaxLanes) {
      int32_t lanes[kMaxLanes];
      std::memcpy(lanes, most + c, sizeof lanes);
      for (int64_t i = first; i < end; ++i) {
        const float* from = x + i * channels + c;
        for (int64_t k = 0; k < kMaxLanes; ++k) {
          const int32_t bits = magnitude(from[k]);
          lanes[k] = bits > lanes[k] ? bits : lanes[k];
        }
      }
      std::memcpy(most + c, lanes, sizeof lanes);
    }
    for (int64_t i = first; i < end; ++i) {
      for (int64_t c = whole; c < channels; ++c) {
        const int32_t bits = magnitude(x[i * channels + c]), before = magnitude(most[c]);
        most[c] = from_magnitude(bits > before ? bits : before);
      }
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

// 8 rows of 8 values become 8 rows of the values of a column.
inline void turn_8x8(const int16_t* x, int64_t x_step, int16_t* y, int64_t y_step) {
#if defined(__SSE2__)
  __m128i a[8], b[8];
  for (int i = 0; i < 8; ++i) a[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i * x_step));
  for (int i = 0; i < 4; ++i) {
    b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
    b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
  }
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = _mm_unpacklo_epi16(b[i], b[i + 4]);
    a[2 * i + 1] = _mm_unpackhi_epi16(b[i], b[i + 4]);
  }
  for (int i = 0; i < 4; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y + 2 * i * y_step), _mm_unpacklo_epi16(a[i], a[i + 4]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y + (2 * i + 1) * y_step), _mm_unpackhi_epi16(a[i], a[i + 4]));
  }
#else
  for (int i = 0; i < 8; ++i) {
    for (int k = 0; k < 8; ++k) y[k * y_step + i] = x[i * x_step + k];
  }
#endif
}

void turn_over(const int16_t* x, int64_t x_step, int64_t rows, int64_t columns, int16_t* y, int64_t y_step) {
  const int64_t whole_rows = rows / 8 * 8, whole_columns = columns / 8 * 8;
  for (int64_t c = 0; c < whole_columns; c += 8) {
    for (int64_t r = 0; r < whole_rows; r += 8) turn_8x8(x + r * x_step + c, x_step, y + c * y_step + r, y_step);
  }
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = c < whole_columns ? whole_rows : 0; r < rows; ++r) y[c * y_step + r] = x[r * x_step + c];
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

constexpr SumRowKernels kSumRowKernels = {abs_max_channels, quantize, turn_over, scale_sums, add_row};

}  // namespace
}  // namespace xnorkit
