// The kernels of training's signed sums. Apart from the table: a program that only runs networks then has none of them.
#pragma once

#include <string>

#include "contract/sum_kernels.h"

namespace xnorkit {

// Those of a supported instruction set, null for the reference; throws as kernel_table does.
const SumKernels* sum_kernels(const std::string& isa);

}  // namespace xnorkit
