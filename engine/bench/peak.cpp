#include "peak.h"

#include <algorithm>
#include <chrono>

#include "common/error.h"
#include "dispatch/table.h"
#include "xnorkit/isa.h"

namespace xnorkit {
namespace {

struct Peak {
  const char* isa;
  PeakLoop binary_loop;
  PeakLoop float_loop;
};

constexpr Peak kPeaks[] = {
#if defined(__x86_64__)
    {"avx512", binary_peak_avx512, float_peak_avx512},       {"avx512bw", binary_peak_avx512bw, float_peak_avx512},
    {"avx2_vnni", binary_peak_avx2, float_peak_avx2},        {"avx2", binary_peak_avx2, float_peak_avx2},
#elif defined(__aarch64__)
    {"neon_dot", binary_peak_neon, float_peak_neon},
    {"neon", binary_peak_neon, float_peak_neon},
#endif
    {"portable", binary_peak_portable, float_peak_portable}, {"reference", binary_peak_reference, float_peak_reference},
};

const Peak& peak_of(const std::string& isa) {
  const std::string name = kernel_table(isa).name;  // refuses what this CPU does not have
  for (const Peak& peak : kPeaks) {
    if (name == peak.isa) return peak;
  }
  fail("peak: there is no loop for ", name, ", but there must be one in kPeaks.");
}

double best_gmacs(PeakLoop loop, double milliseconds) {
  if (!(milliseconds > 0.0 && milliseconds <= 60000.0)) {
    fail("peak: milliseconds is ", milliseconds, ", but it must be above 0 and at most 60000.");
  }
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  // A repetition lasts at least a tenth of the whole, so that reading the clock is no part of it.
  int64_t iterations = 1024;
  double best = 0.0;
  for (const Clock::time_point start = Clock::now(); best == 0.0 || since(start) < milliseconds * 1e-3;) {
    const Clock::time_point begin = Clock::now();
    const int64_t macs = loop(iterations);
    const double seconds = since(begin);
    if (seconds < milliseconds * 1e-4) {
      iterations *= 2;
    } else {
      best = std::max(best, static_cast<double>(macs) / seconds * 1e-9);
    }
  }
  return best;
}

}  // namespace

double peak_binary_gmacs(const std::string& isa, double milliseconds) {
  return best_gmacs(peak_of(isa).binary_loop, milliseconds);
}

double peak_float_gmacs(const std::string& isa, double milliseconds) {
  return best_gmacs(peak_of(isa).float_loop, milliseconds);
}

}  // namespace xnorkit
