// Program.add: dictionaries of Python to attributes and tensors.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "xnorkit/program.h"

namespace xnorkit::bindings {

int add(Program& program, const std::string& op, const std::vector<int>& inputs, const nanobind::dict& attributes,
        const nanobind::dict& tensors);

}  // namespace xnorkit::bindings
