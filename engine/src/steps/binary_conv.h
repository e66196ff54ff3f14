// The strategies of a binary convolution that have a file of their own.
#pragma once

#include "steps/step.h"

namespace xnorkit {

// Whether counting taps for many channels at once serves the convolution: one filter per channel, of few enough taps,
// on an image that its padding does not swell beyond measure.
bool counts_taps(const BinaryConvSpec& spec);

std::unique_ptr<Step> make_counting_step(const KernelTable& table, const BinaryConvSpec& spec);

}  // namespace xnorkit
