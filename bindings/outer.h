// The building methods of outer layers, the first and the last.
#pragma once

#include <nanobind/nanobind.h>

#include "xnorkit/program.h"

namespace xnorkit::bindings {

void bind_outer_layers(nanobind::class_<Program>& program);

}  // namespace xnorkit::bindings
