// Windows of a pool of floats: their taps one after the other, all channels at once.
#pragma once

#include <vector>

#include "contract/kernels.h"
#include "layout/regions.h"
#include "spec/operations.h"

namespace xnorkit {

class PoolWindows {
 public:
  PoolWindows(const RowKernels& rows, const PoolSpec& spec);

  // Writes pixels [begin, end), counted over the output of one image, to `result`, where pixel `begin` comes first. Row
  // y of the image lies at row y % ring_rows of `image`.
  void run(const float* image, int64_t ring_rows, int64_t begin, int64_t end, float* result) const;

 private:
  // First valid position of a window along one axis, and how many taps are valid.
  struct Window {
    int64_t first;
    int64_t count;
  };

  std::vector<Window> windows(int axis, int64_t outputs, int64_t size) const;

  const RowKernels& rows_;
  PoolSpec spec_;
  std::vector<Window> down_;
  std::vector<Window> right_;
};

}  // namespace xnorkit
