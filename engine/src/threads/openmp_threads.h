// The threads of the OpenMP library that the process has loaded, in place of the engine's own: for training, whose loops
// alternate with PyTorch's within milliseconds. PyTorch's threads spin for a while after each of its loops, on the cores
// that the engine's threads would need; so both use the same ones.
#pragma once

#include <cstdint>
#include <functional>

#include "common/subnormals.h"

namespace xnorkit {

// While one lives, parallel_for of this thread runs on those threads, and this one keeps subnormal numbers as they do.
// Where the process has no libgomp, which PyTorch brings along on Linux, the engine's own threads stay in use.
class OpenMpThreads {
 public:
  OpenMpThreads();
  ~OpenMpThreads();
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

 private:
  KeepSubnormals keep_;
  bool before_;
};

// Runs body on ranges that cover [0, items) from `threads` threads; false if this thread has no OpenMpThreads alive.
bool run_on_openmp(int64_t items, int threads, const std::function<void(int64_t, int64_t)>& body);

}  // namespace xnorkit
