// How much an operation computes, for profiles.
#pragma once

#include "program/state.h"

namespace xnorkit {

// Multiply-adds of one image; taps outside the image are not counted. 0 for what is no convolution.
double count_macs(const Operation& operation);

}  // namespace xnorkit
