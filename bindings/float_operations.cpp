#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "arrays.h"
#include "operations.h"

namespace xnorkit::bindings {

using nb::literals::operator""_a;

namespace {

int affine(Program& self, int source, nb::handle scale, nb::handle bias) {
  std::optional<Argument<float>> scales;
  std::optional<Argument<float>> biases;
  if (!scale.is_none()) scales = argument<float>(scale, "affine: scale");
  if (!bias.is_none()) biases = argument<float>(bias, "affine: bias");
  return self.affine(source, scales ? &scales->array : nullptr, biases ? &biases->array : nullptr);
}

}  // namespace

void bind_float_operations(nb::class_<Program>& program) {
  program.def("add", &Program::add, "a"_a, "b"_a);
  program.def("multiply", &Program::multiply, "a"_a, "b"_a);
  program.def("affine", affine, "source"_a, "scale"_a.none(), "bias"_a.none());
  program.def("clip", &Program::clip, "source"_a, "low"_a, "high"_a);
  program.def(
      "prelu",
      [](Program& self, int source, nb::handle slope) {
        return self.prelu(source, argument<float>(slope, "prelu: slope").array);
      },
      "source"_a, "slope"_a.none());
  program.def("activation", &Program::activation, "source"_a, "function"_a);
  program.def("max_pool", &Program::max_pool, "source"_a, "geometry"_a);
  program.def("avg_pool", &Program::avg_pool, "source"_a, "geometry"_a, "ceil_mode"_a = false,
              "count_include_pad"_a = true);
  program.def("global_avg_pool", &Program::global_avg_pool, "source"_a);
  program.def("k_map", &Program::k_map, "source"_a, "geometry"_a);
  program.def("pad", &Program::pad, "source"_a, "padding"_a, "before"_a = 0, "after"_a = 0);
  program.def("pad_bits", &Program::pad_bits, "source"_a, "padding"_a);
  program.def("planes", &Program::planes, "source"_a);
  program.def("concat", &Program::concat, "sources"_a);
  program.def(
      "gather_channels",
      [](Program& self, int source, nb::handle index) {
        return self.gather_channels(source, argument<int32_t>(index, "gather_channels: index").array);
      },
      "source"_a, "index"_a.none());
}

}  // namespace xnorkit::bindings
