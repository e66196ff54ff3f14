// Where each value of a program lives while it runs.
#pragma once

#include <cstddef>
#include <vector>

namespace xnorkit {

// A value's bytes, and the steps between which it is alive, both included.
struct Lifetime {
  size_t bytes;
  int first;
  int last;
};

struct Placement {
  std::vector<size_t> offset;  // multiples of kAlignment
  size_t bytes = 0;
};

// Values that are alive at the same time do not overlap; the others share memory. Greedy, the
// largest first: each value goes to the lowest place that is free during its life.
Placement place(const std::vector<Lifetime>& values);

}  // namespace xnorkit
