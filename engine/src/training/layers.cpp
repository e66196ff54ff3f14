// What training does beside convolutions. Batch normalization's backward pass from a byte per value: two passes, over a
// gradient and an eighth of its size each. A ReLU, and its backward pass from a bit per value.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "common/error.h"
#include "dispatch/table.h"
#include "threads/grain.h"
#include "threads/openmp_threads.h"
#include "threads/threads.h"
#include "xnorkit/training.h"

namespace xnorkit {
namespace {

constexpr int64_t kBlock = 256;  // rows summed in float32; blocks are summed in float64, in order
constexpr int64_t kRow = 64;  // values that a call of a kernel should have: of few channels, several pixels are one row

const RowKernels& rows_of(const std::string& isa) {
  const RowKernels* rows = kernel_table(isa).rows;
  return rows == nullptr ? rows_portable : *rows;
}

void check(const char* what, int64_t pixels, int64_t channels) {
  if (pixels < 1 || channels < 1) {
    fail(what, ": received ", pixels, " pixels of ", channels, " channels, but there must be at least 1 of each.");
  }
}

// Pixels of a long row, and its values. What is per channel repeats itself within a row.
struct LongRows {
  LongRows(int64_t channels) : pixels(std::max<int64_t>(1, kRow / channels)), values(pixels * channels) {}

  std::vector<float> repeat(const std::vector<float>& of_channels) const {
    std::vector<float> result;
    for (int64_t i = 0; i < pixels; ++i) result.insert(result.end(), of_channels.begin(), of_channels.end());
    return result;
  }

  // Calls body(first value, values) for all rows of n values, of which the last may be shorter.
  template <class Body>
  void each(int64_t n, int threads, const Body& body) const {
    parallel_for((n + values - 1) / values, static_cast<double>(n), grain::kFloats, threads,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) body(i * values, std::min(values, n - i * values));
                 });
  }

  int64_t pixels;
  int64_t values;
};

constexpr int64_t kChunk = 1 << 13;  // values, a multiple of 32

// Calls body(first, count) on chunks of n values.
template <class Body>
void chunks(int64_t n, int threads, const Body& body) {
  parallel_for((n + kChunk - 1) / kChunk, static_cast<double>(n), grain::kFloats, threads,
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) body(i * kChunk, std::min(kChunk, n - i * kChunk));
               });
}

}  // namespace

void norm_keep(const float* x, int64_t pixels, int64_t channels, const float* mean, const float* inverse_std,
               int8_t* kept, int threads, const std::string& isa) {
  const OpenMpThreads shared;
  check("norm_keep", pixels, channels);
  const RowKernels& kernels = rows_of(isa);
  const LongRows rows(channels);
  std::vector<float> factor(channels);
  for (int64_t c = 0; c < channels; ++c) factor[c] = 8 * inverse_std[c];
  const std::vector<float> means = rows.repeat({mean, mean + channels}), factors = rows.repeat(factor);
  rows.each(pixels * channels, threads, [&](int64_t first, int64_t count) {
    kernels.to_eighths(x + first, means.data(), factors.data(), kept + first, count);
  });
}

void norm_gradient(const float* gradient, const int8_t* kept, int64_t pixels, int64_t channels, const float* weight,
                   const float* inverse_std, float* to_x, float* to_weight, float* to_bias, int threads,
                   const std::string& isa) {
  const OpenMpThreads shared;
  check("norm_gradient", pixels, channels);
  const RowKernels& kernels = rows_of(isa);
  const LongRows rows(channels);
  const auto cost = static_cast<double>(pixels * channels);
  const int64_t block = kBlock * rows.values, blocks = (pixels * channels + block - 1) / block;
  std::vector<float> sums(blocks * 2 * rows.values);
  parallel_for(blocks, cost, grain::kFloats, threads, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      float* sum = sums.data() + b * 2 * rows.values;
      const int64_t stop = std::min(pixels * channels, (b + 1) * block);
      for (int64_t i = b * block; i < stop; i += rows.values) {
        kernels.norm_sums(gradient + i, kept + i, sum, sum + rows.values, std::min(rows.values, stop - i));
      }
    }
  });
  std::vector<double> total(2 * channels);
  for (int64_t i = 0; i < blocks * 2; ++i) {
    for (int64_t k = 0; k < rows.values; ++k) total[i % 2 * channels + k % channels] += sums[i * rows.values + k];
  }
  std::vector<float> factor(channels), shift(channels), slope(channels);
  const auto count = static_cast<double>(pixels);
  for (int64_t c = 0; c < channels; ++c) {
    // Bytes hold no NaN: where the standard deviation is none, or 0, neither is what they stand for.
    const double product = std::isfinite(inverse_std[c]) ? total[channels + c] / 8 : std::nan("");
    to_bias[c] = static_cast<float>(total[c]);
    to_weight[c] = static_cast<float>(product);
    factor[c] = weight[c] * inverse_std[c];
    shift[c] = static_cast<float>(factor[c] * total[c] / count);
    slope[c] = static_cast<float>(factor[c] * product / count / 8);
  }
  const std::vector<float> factors = rows.repeat(factor), shifts = rows.repeat(shift), slopes = rows.repeat(slope);
  const NormTerms terms{factors.data(), shifts.data(), slopes.data()};
  rows.each(pixels * channels, threads, [&](int64_t first, int64_t values) {
    kernels.norm_gradient(gradient + first, kept + first, terms, to_x + first, values);
  });
}

void relu_keep(const float* x, int64_t n, uint32_t* kept, float* result, int threads, const std::string& isa) {
  const OpenMpThreads shared;
  const PackKernel pack = kernel_table(isa).pack != nullptr ? kernel_table(isa).pack : pack_portable;
  const RowKernels& rows = rows_of(isa);
  // x > 0 or NaN is not (x < the least number above 0).
  float least[32];
  std::fill_n(least, 32, std::numeric_limits<float>::denorm_min());
  const uint32_t flip = 0xffffffffu;
  chunks(n, threads, [&](int64_t first, int64_t count) {
    const int64_t whole = count / 32, rest = count % 32;
    if (whole > 0) pack({x + first, least, &flip, kept + first / 32, whole, 32, 0, 0});
    const uint32_t rest_flip = (uint32_t{1} << rest) - 1;
    if (rest > 0) pack({x + first + whole * 32, least, &rest_flip, kept + first / 32 + whole, 1, rest, 0, 0});
    rows.mask(x + first, kept + first / 32, result + first, count);
  });
}

void relu_gradient(const float* gradient, const uint32_t* kept, int64_t n, float* result, int threads,
                   const std::string& isa) {
  const OpenMpThreads shared;
  const RowKernels& rows = rows_of(isa);
  chunks(n, threads,
         [&](int64_t first, int64_t count) { rows.mask(gradient + first, kept + first / 32, result + first, count); });
}

}  // namespace xnorkit
