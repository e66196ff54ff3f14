// Activations of PyTorch: the same on every instruction set, for there is one implementation.
#pragma once

#include <cstdint>

#include "spec/operations.h"

namespace xnorkit {

// `pixels` consecutive pixels of `channels` floats; y may be x. softmax runs over the channels of a pixel.
void activation_rows(Function function, const float* x, float* y, int64_t pixels, int64_t channels);

}  // namespace xnorkit
