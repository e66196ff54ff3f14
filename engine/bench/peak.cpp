#include <algorithm>
#include <chrono>

#include "common/error.h"
#include "dispatch/table.h"
#include "xnorkit/isa.h"

namespace xnorkit {

namespace {

double best_gmacs(PeakLoop loop, double milliseconds) {
  if (!(milliseconds > 0.0 && milliseconds <= 60000.0)) {
    fail("peak: milliseconds is ", milliseconds, "; required above 0, at most 60000");
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
  return best_gmacs(kernel_table(isa).binary_peak, milliseconds);
}

double peak_float_gmacs(const std::string& isa, double milliseconds) {
  return best_gmacs(kernel_table(isa).float_peak, milliseconds);
}

}  // namespace xnorkit
