// The building methods of outer layers, the first and the last: 8-bit convolutions, binary weights with floats, quantization.
#include "outer.h"

#include <nanobind/stl/string.h>

#include "arrays.h"

namespace xnorkit::bindings {
namespace {

using nb::literals::operator""_a;

// The arrays that the three 8-bit convolutions share.
struct Int8Arguments {
  Argument<int8_t> weight;
  Argument<uint8_t> zero_point;
  Argument<int32_t> bias;

  Int8Arguments(const std::string& what, nb::handle weight_, nb::handle zero_point_, nb::handle bias_)
      : weight(argument<int8_t>(weight_, what + ": weight")),
        zero_point(argument<uint8_t>(zero_point_, what + ": zero_point")),
        bias(argument<int32_t>(bias_, what + ": bias")) {}
};

}  // namespace

void bind_outer_layers(nb::class_<Program>& program) {
  program.def(
      "int8_conv2d_bits",
      [](Program& self, int source, nb::handle weight, nb::handle zero_point, nb::handle bias, const Geometry& geometry,
         nb::handle threshold, nb::handle flip) {
        const Int8Arguments a("int8_conv2d_bits", weight, zero_point, bias);
        const auto thresholds = argument<int32_t>(threshold, "int8_conv2d_bits: threshold");
        const auto flips = argument<uint8_t>(flip, "int8_conv2d_bits: flip");
        return self.int8_conv2d_bits(source, a.weight.array, a.zero_point.array, a.bias.array, geometry,
                                     thresholds.array, flips.array);
      },
      "source"_a, "weight"_a.none(), "zero_point"_a.none(), "bias"_a.none(), "geometry"_a, "threshold"_a.none(),
      "flip"_a.none());
  program.def(
      "int8_conv2d_f32",
      [](Program& self, int source, nb::handle weight, nb::handle zero_point, nb::handle bias, const Geometry& geometry,
         nb::handle scale) {
        const Int8Arguments a("int8_conv2d_f32", weight, zero_point, bias);
        const auto scales = argument<float>(scale, "int8_conv2d_f32: scale");
        return self.int8_conv2d_f32(source, a.weight.array, a.zero_point.array, a.bias.array, geometry, scales.array);
      },
      "source"_a, "weight"_a.none(), "zero_point"_a.none(), "bias"_a.none(), "geometry"_a, "scale"_a.none());
  program.def(
      "int8_conv2d_i32",
      [](Program& self, int source, nb::handle weight, nb::handle zero_point, nb::handle bias,
         const Geometry& geometry) {
        const Int8Arguments a("int8_conv2d_i32", weight, zero_point, bias);
        return self.int8_conv2d_i32(source, a.weight.array, a.zero_point.array, a.bias.array, geometry);
      },
      "source"_a, "weight"_a.none(), "zero_point"_a.none(), "bias"_a.none(), "geometry"_a);
  program.def(
      "binary_weight_conv2d",
      [](Program& self, int source, nb::handle weight, int64_t out_channels, const Geometry& geometry, nb::handle scale,
         nb::handle bias) {
        const auto weights = argument<uint8_t>(weight, "binary_weight_conv2d: weight");
        const auto scales = argument<float>(scale, "binary_weight_conv2d: scale");
        const auto biases = argument<float>(bias, "binary_weight_conv2d: bias");
        return self.binary_weight_conv2d(source, weights.array, out_channels, geometry, scales.array, biases.array);
      },
      "source"_a, "weight"_a.none(), "out_channels"_a, "geometry"_a, "scale"_a.none(), "bias"_a.none());
  program.def("quantize_u8", &Program::quantize_u8, "source"_a, "scale"_a, "zero_point"_a);
}

}  // namespace xnorkit::bindings
