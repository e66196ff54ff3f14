// What training needs of the engine.
#pragma once

#include <nanobind/nanobind.h>

namespace xnorkit::bindings {

void bind_training(nanobind::module_& module);

}  // namespace xnorkit::bindings
