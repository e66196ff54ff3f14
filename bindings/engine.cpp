// The module xnorkit._engine: arguments to views, the engine's exceptions to ValueError, results to NumPy arrays.
// src/xnorkit/_engine.pyi is its description.
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "add.h"
#include "arrays.h"
#include "training.h"
#include "xnorkit/isa.h"
#include "xnorkit/program.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace xnorkit::bindings {
namespace {

Input input_of(const nb::ndarray<nb::ro>& array) {
  Input input{Input::Type::float32, array.data(), shape_of(array)};
  if (array.dtype() == nb::dtype<uint8_t>()) {
    input.type = Input::Type::uint8;
  } else if (array.dtype() == nb::dtype<uint32_t>()) {
    input.type = Input::Type::bits;
  } else if (array.dtype() != nb::dtype<float>()) {
    fail_type("run: the input", array.dtype(), "float32 or uint8 images, or uint32 words of bits");
  }
  return input;
}

nb::list run(const Program& program, nb::handle source, int threads) {
  const nb::ndarray<nb::ro> array = contiguous(source, "run: the input");
  const Input input = input_of(array);
  const int64_t images = program.check_input(input);
  nb::list results;
  std::vector<void*> data;
  for (const int id : program.outputs()) {
    Result result = new_result(program.info(id), images);
    results.append(std::move(result.array));
    data.push_back(result.data);
  }
  {
    const nb::gil_scoped_release release;
    program.run(input, data.data(), threads);
  }
  return results;
}

nb::object value_info(const Shape& shape) {
  const nb::object type = nb::module_::import_("xnorkit._engine").attr("ValueInfo");
  return type(kind_name(shape.kind), shape.height, shape.width, shape.channels);
}

void bind_program(nb::module_& module) {
  nb::class_<Program> program(module, "Program");
  program.def(nb::init<const std::string&, int64_t, int64_t, int64_t, const std::string&>(), "kind"_a, "height"_a,
              "width"_a, "channels"_a, "isa"_a = "");
  program.def(
      "set_uint8_table",
      [](Program& self, nb::handle table) {
        self.set_uint8_table(argument<float>(table, "set_uint8_table: table").array);
      },
      "table"_a.none());
  program.def(
      "set_normalization",
      [](Program& self, nb::handle mean, nb::handle std) {
        const auto means = argument<float>(mean, "set_normalization: mean");
        const auto deviations = argument<float>(std, "set_normalization: std");
        self.set_normalization(means.array, deviations.array);
      },
      "mean"_a.none(), "std"_a.none());
  program.def("add", add, "op"_a, "inputs"_a, "attributes"_a = nb::dict(), "tensors"_a = nb::dict());
  program.def("finish", &Program::finish, "outputs"_a, "fuse"_a = true);
  program.def("info", [](const Program& self, int value) { return value_info(self.info(value)); }, "value"_a);
  program.def_prop_ro("isa", &Program::isa);
  program.def_prop_ro("arena_bytes", &Program::arena_bytes);
  program.def_prop_ro("weight_bytes", &Program::weight_bytes);
  program.def("steps", [](const Program& self) {
    const nb::object type = nb::module_::import_("xnorkit._engine").attr("StepInfo");
    nb::list steps;
    for (const StepInfo& step : self.steps()) {
      steps.append(type(step.operations, step.values, step.kernel, value_info(step.shape), step.macs));
    }
    return steps;
  });
  program.def(
      "profile",
      [](const Program& self, nb::handle source, int repeats, int threads) {
        const nb::ndarray<nb::ro> array = contiguous(source, "profile: the input");
        const Input input = input_of(array);
        const nb::gil_scoped_release release;
        return self.profile(input, repeats, threads);
      },
      "source"_a.none(), "repeats"_a = 20, "threads"_a = 1);
  program.def("run", run, "source"_a.none(), "threads"_a = 1);
}

}  // namespace

NB_MODULE(_engine, module) {
  // Objects that globals or test parameters keep until the interpreter ends are no leaks.
  nb::set_leak_warnings(false);
  module.doc() = "The compiled engine of xnorkit; see docs/engine.md.";
  const nb::object named_tuple = nb::module_::import_("collections").attr("namedtuple");
  const nb::object fields = nb::make_tuple("kind", "height", "width", "channels");
  module.attr("ValueInfo") = named_tuple("ValueInfo", fields, "module"_a = "xnorkit._engine");
  const nb::object step_fields = nb::make_tuple("operations", "values", "kernel", "shape", "macs");
  module.attr("StepInfo") = named_tuple("StepInfo", step_fields, "module"_a = "xnorkit._engine");

  nb::class_<Geometry>(module, "ConvGeometry")
      .def(
          "__init__",
          [](Geometry* self, std::array<int64_t, 2> kernel, std::array<int64_t, 2> stride,
             std::array<int64_t, 4> padding, std::array<int64_t, 2> dilation,
             int64_t groups) { new (self) Geometry{kernel, stride, padding, dilation, groups}; },
          "kernel"_a, "stride"_a = nb::make_tuple(1, 1), "padding"_a = nb::make_tuple(0, 0, 0, 0),
          "dilation"_a = nb::make_tuple(1, 1), "groups"_a = 1);
  bind_program(module);
  bind_training(module);
  module.def("isas", isas);
  module.def("default_isa", default_isa);
  module.def("default_threads", default_threads);
  using Unlocked = nb::call_guard<nb::gil_scoped_release>;
  module.def("peak_binary_gmacs", peak_binary_gmacs, "isa"_a, "milliseconds"_a = 50.0, Unlocked());
  module.def("peak_float_gmacs", peak_float_gmacs, "isa"_a, "milliseconds"_a = 50.0, Unlocked());
}

}  // namespace xnorkit::bindings
