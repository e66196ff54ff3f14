// Batch normalization's backward pass from a byte per value: two passes, over a gradient and an eighth of its size each.
#include <algorithm>
#include <vector>

#include "common/error.h"
#include "dispatch/table.h"
#include "program/openmp_threads.h"
#include "program/threads.h"
#include "xnorkit/training.h"

namespace xnorkit {
namespace {

constexpr int64_t kBlock = 256;  // pixels summed in float32; blocks are summed in float64, in order
constexpr double kGrain = 1e5;

const RowKernels& rows_of(const std::string& isa) {
  const RowKernels* rows = kernel_table(isa).rows;
  return rows == nullptr ? rows_portable : *rows;
}

void check(const char* what, int64_t pixels, int64_t channels) {
  if (pixels < 1 || channels < 1) {
    fail(what, ": received ", pixels, " pixels of ", channels, " channels; required: at least 1");
  }
}

}  // namespace

void norm_keep(const float* x, int64_t pixels, int64_t channels, const float* mean, const float* inverse_std,
               int8_t* kept, int threads, const std::string& isa) {
  const OpenMpThreads shared;
  check("norm_keep", pixels, channels);
  const RowKernels& rows = rows_of(isa);
  std::vector<float> factor(channels);
  for (int64_t c = 0; c < channels; ++c) factor[c] = 8 * inverse_std[c];
  parallel_for(pixels, static_cast<double>(pixels * channels), kGrain, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      rows.to_eighths(x + i * channels, mean, factor.data(), kept + i * channels, channels);
    }
  });
}

void norm_gradient(const float* gradient, const int8_t* kept, int64_t pixels, int64_t channels, const float* weight,
                   const float* inverse_std, float* to_x, float* to_weight, float* to_bias, int threads,
                   const std::string& isa) {
  const OpenMpThreads shared;
  check("norm_gradient", pixels, channels);
  const RowKernels& rows = rows_of(isa);
  const auto cost = static_cast<double>(pixels * channels);
  const int64_t blocks = (pixels + kBlock - 1) / kBlock;
  std::vector<float> sums(blocks * 2 * channels);
  parallel_for(blocks, cost, kGrain, threads, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      float* sum = sums.data() + block * 2 * channels;
      for (int64_t i = block * kBlock; i < std::min(pixels, (block + 1) * kBlock); ++i) {
        rows.norm_sums(gradient + i * channels, kept + i * channels, sum, sum + channels, channels);
      }
    }
  });
  std::vector<double> total(2 * channels);
  for (int64_t i = 0; i < static_cast<int64_t>(sums.size()); ++i) total[i % (2 * channels)] += sums[i];
  std::vector<float> factor(channels), shift(channels), slope(channels);
  const auto count = static_cast<double>(pixels);
  for (int64_t c = 0; c < channels; ++c) {
    const double product = total[channels + c] / 8;
    to_bias[c] = static_cast<float>(total[c]);
    to_weight[c] = static_cast<float>(product);
    factor[c] = weight[c] * inverse_std[c];
    shift[c] = static_cast<float>(factor[c] * total[c] / count);
    slope[c] = static_cast<float>(factor[c] * product / count / 8);
  }
  const NormTerms terms{factor.data(), shift.data(), slope.data()};
  parallel_for(pixels, cost, kGrain, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      rows.norm_gradient(gradient + i * channels, kept + i * channels, terms, to_x + i * channels, channels);
    }
  });
}

}  // namespace xnorkit
