// The building methods of first and last layers.
#pragma once

#include <nanobind/nanobind.h>

#include "xnorkit/program.h"

namespace xnorkit::bindings {

void bind_ends(nanobind::class_<Program>& program);

}  // namespace xnorkit::bindings
