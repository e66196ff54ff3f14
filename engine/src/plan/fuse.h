// Operations joined into steps: a producer of floats takes along what only it is followed by, so that a value is
// stored once, after everything that is done to it.
#pragma once

#include <vector>

#include "plan/state.h"

namespace xnorkit {

// Operations that one step computes.
struct Fused {
  Operation operation;
  std::vector<int> sources;  // those of the operation, then the operands of its tail
  std::vector<int> results;  // the value after the tail, -1 where none is stored; the tail's bits where it makes any
  std::vector<int> members;  // values whose operations were joined

  // Sources of which the step reads an element before it writes the same element of result 0.
  std::vector<int> replaceable() const;
};

// What makes the values that `needed` marks, in an order in which each finds its sources computed. Moves the operations
// out of `values`. Without `join` every operation stays alone.
std::vector<Fused> fuse_operations(std::vector<Value>& values, const std::vector<bool>& needed,
                                   const std::vector<int>& output_index, bool join);

}  // namespace xnorkit
