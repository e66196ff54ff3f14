// The functions of the operation "activation", by name: one implementation for every instruction set and the reference.
#pragma once

#include <cstdint>

namespace xnorkit {

struct ActivationFunction {
  const char* name;
  // y may be x. Each pixel has `channels` numbers.
  void (*rows)(const float* x, float* y, int64_t pixels, int64_t channels);
};

// Ends with a name that is null.
extern const ActivationFunction kActivations[];

}  // namespace xnorkit
