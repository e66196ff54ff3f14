// Families of building methods, each bound in a file of its own.
#pragma once

#include <nanobind/nanobind.h>

#include "xnorkit/program.h"

namespace xnorkit::bindings {

// The simple operations on floats, and those that only move values.
void bind_float_operations(nanobind::class_<Program>& program);

}  // namespace xnorkit::bindings
