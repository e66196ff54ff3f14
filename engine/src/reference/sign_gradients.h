// The scalar truth of the gradients of a convolution of signs: the definition in xnorkit/training.h.
#pragma once

#include <cstdint>

#include "xnorkit/training.h"

namespace xnorkit::reference {

void sign_conv_input_gradient(const SignConv& conv, const float* gradient, const uint32_t* weight, const float* scale,
                              const uint32_t* inside, float* result);

void sign_conv_weight_gradient(const SignConv& conv, const float* gradient, const uint32_t* signs, float* result);

}  // namespace xnorkit::reference
