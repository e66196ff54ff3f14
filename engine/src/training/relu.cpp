// A ReLU, and its backward pass from a bit per value.
#include <algorithm>
#include <limits>

#include "dispatch/table.h"
#include "program/openmp_threads.h"
#include "program/threads.h"
#include "xnorkit/training.h"

namespace xnorkit {
namespace {

constexpr int64_t kChunk = 1 << 13;  // values, a multiple of 32
constexpr double kGrain = 1e5;

// Calls body(first, count) on chunks of n values.
template <class Body>
void chunks(int64_t n, int threads, const Body& body) {
  parallel_for((n + kChunk - 1) / kChunk, static_cast<double>(n), kGrain, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i * kChunk, std::min(kChunk, n - i * kChunk));
  });
}

}  // namespace

void relu_keep(const float* x, int64_t n, uint32_t* kept, float* result, int threads, const std::string& isa) {
  const OpenMpThreads shared;
  PackKernel pack = kernel_table(isa).pack;
  if (pack == nullptr) pack = pack_portable;
  const RowKernels* rows = kernel_table(isa).rows;
  if (rows == nullptr) rows = &rows_portable;
  // x > 0 or NaN is not (x < the least number above 0).
  float least[32];
  std::fill_n(least, 32, std::numeric_limits<float>::denorm_min());
  const uint32_t flip = 0xffffffffu;
  chunks(n, threads, [&](int64_t first, int64_t count) {
    const int64_t whole = count / 32, rest = count % 32;
    if (whole > 0) pack({x + first, least, &flip, kept + first / 32, whole, 32, 0, 0});
    const uint32_t rest_flip = (uint32_t{1} << rest) - 1;
    if (rest > 0) pack({x + first + whole * 32, least, &rest_flip, kept + first / 32 + whole, 1, rest, 0, 0});
    rows->mask(x + first, kept + first / 32, result + first, count);
  });
}

void relu_gradient(const float* gradient, const uint32_t* kept, int64_t n, float* result, int threads,
                   const std::string& isa) {
  const OpenMpThreads shared;
  const RowKernels* rows = kernel_table(isa).rows;
  if (rows == nullptr) rows = &rows_portable;
  chunks(n, threads, [&](int64_t first, int64_t count) {
    rows->mask(gradient + first, kept + first / 32, result + first, count);
  });
}

}  // namespace xnorkit
