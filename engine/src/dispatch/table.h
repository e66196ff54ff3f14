// The instruction sets of this build, and the choice among them.
#pragma once

#include <string>

#include "contract/kernels.h"

namespace xnorkit {

// The table of a supported instruction set; throws std::invalid_argument that lists the choices.
const KernelTable& kernel_table(const std::string& isa);

}  // namespace xnorkit
