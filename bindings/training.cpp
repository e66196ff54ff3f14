#include "training.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>

#include "arrays.h"
#include "xnorkit/isa.h"
#include "xnorkit/training.h"

namespace xnorkit::bindings {
namespace {

using nb::literals::operator""_a;

using Sizes = std::vector<int64_t>;

void check_shape(const std::string& what, const Sizes& received, const Sizes& expected) {
  if (received == expected) return;
  const auto text = [](const Sizes& sizes) {
    std::string result;
    for (const int64_t size : sizes) result += (result.empty() ? "" : ", ") + std::to_string(size);
    return "(" + result + ")";
  };
  throw std::invalid_argument(what + " has shape " + text(received) + ", but it must be " + text(expected) + ".");
}

template <class T>
Argument<T> shaped(nb::handle object, const std::string& what, const Sizes& shape) {
  Argument<T> result = argument<T>(object, what);
  check_shape(what, result.array.shape, shape);
  return result;
}

// An array that is written to.
template <class T>
using Output = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

template <class T>
T* data_of(const Output<T>& output, const std::string& what, const Sizes& shape) {
  Sizes received;
  for (size_t axis = 0; axis < output.ndim(); ++axis) received.push_back(static_cast<int64_t>(output.shape(axis)));
  check_shape(what, received, shape);
  return output.data();
}

std::string chosen(const std::string& isa) { return isa.empty() ? default_isa() : isa; }

int64_t words_of(int64_t channels) { return (channels + 31) / 32; }

Sizes image_shape(const SignConv& c) { return {c.images, c.height, c.width, c.in_channels}; }
Sizes signs_shape(const SignConv& c) { return {c.images, c.height, c.width, words_of(c.in_channels)}; }
Sizes output_shape(const SignConv& c) { return {c.images, c.out_height(), c.out_width(), c.out_channels}; }
Sizes weight_shape(const SignConv& c, bool bits) {
  const int64_t channels = c.in_channels / c.geometry.groups;
  return {c.out_channels, c.geometry.kernel[0], c.geometry.kernel[1], bits ? words_of(channels) : channels};
}

void bind_pack(nb::module_& module) {
  module.def(
      "pack_signs",
      [](nb::handle x, float clip, const Output<uint32_t>& signs, std::optional<Output<uint32_t>> inside, int threads,
         const std::string& isa) {
        const auto values = argument<float>(x, "pack_signs: x");
        if (const size_t axes = values.array.shape.size(); axes != 2) {
          throw std::invalid_argument("pack_signs: x has " + std::to_string(axes) + " axes, but it must have 2.");
        }
        const int64_t pixels = values.array.shape[0], channels = values.array.shape[1];
        const Sizes words{pixels, words_of(channels)};
        uint32_t* bits = data_of(signs, "pack_signs: signs", words);
        uint32_t* between = inside ? data_of(*inside, "pack_signs: inside", words) : nullptr;
        const nb::gil_scoped_release release;
        pack_signs(values.array.data, pixels, channels, clip, bits, between, threads, chosen(isa));
      },
      "x"_a, "clip"_a, "signs"_a.noconvert(), "inside"_a.noconvert().none(), "threads"_a = 1, "isa"_a = "");
}

void bind_products(nb::module_& module) {
  module.def(
      "sign_conv",
      [](const SignConv& conv, nb::handle signs, nb::handle weight, nb::handle scale, nb::handle bias,
         const Output<float>& result, int threads, const std::string& isa) {
        const auto activations = shaped<uint32_t>(signs, "sign_conv: signs", signs_shape(conv));
        const auto weights = shaped<uint32_t>(weight, "sign_conv: weight", weight_shape(conv, true));
        const auto scales = shaped<float>(scale, "sign_conv: scale", {conv.out_channels});
        const auto biases = shaped<float>(bias, "sign_conv: bias", {conv.out_channels});
        float* y = data_of(result, "sign_conv: result", output_shape(conv));
        const nb::gil_scoped_release release;
        sign_conv(conv, activations.array.data, weights.array.data, scales.array.data, biases.array.data, y, threads,
                  chosen(isa));
      },
      "conv"_a, "signs"_a, "weight"_a, "scale"_a, "bias"_a, "result"_a.noconvert(), "threads"_a = 1, "isa"_a = "");
  module.def(
      "sign_conv_input_gradient",
      [](const SignConv& conv, nb::handle gradient, nb::handle weight, nb::handle scale, nb::handle inside,
         const Output<float>& result, int threads, const std::string& isa) {
        const auto g = shaped<float>(gradient, "sign_conv_input_gradient: gradient", output_shape(conv));
        const auto weights = shaped<uint32_t>(weight, "sign_conv_input_gradient: weight", weight_shape(conv, true));
        const auto scales = shaped<float>(scale, "sign_conv_input_gradient: scale", {conv.out_channels});
        std::optional<Argument<uint32_t>> between;
        if (!inside.is_none()) {
          between = shaped<uint32_t>(inside, "sign_conv_input_gradient: inside", signs_shape(conv));
        }
        float* x = data_of(result, "sign_conv_input_gradient: result", image_shape(conv));
        const nb::gil_scoped_release release;
        sign_conv_input_gradient(conv, g.array.data, weights.array.data, scales.array.data,
                                 between ? between->array.data : nullptr, x, threads, chosen(isa));
      },
      "conv"_a, "gradient"_a, "weight"_a, "scale"_a, "inside"_a.none(), "result"_a.noconvert(), "threads"_a = 1,
      "isa"_a = "");
  module.def(
      "sign_conv_weight_gradient",
      [](const SignConv& conv, nb::handle gradient, nb::handle signs, const Output<float>& result, int threads,
         const std::string& isa) {
        const auto g = shaped<float>(gradient, "sign_conv_weight_gradient: gradient", output_shape(conv));
        const auto activations = shaped<uint32_t>(signs, "sign_conv_weight_gradient: signs", signs_shape(conv));
        float* w = data_of(result, "sign_conv_weight_gradient: result", weight_shape(conv, false));
        const nb::gil_scoped_release release;
        sign_conv_weight_gradient(conv, g.array.data, activations.array.data, w, threads, chosen(isa));
      },
      "conv"_a, "gradient"_a, "signs"_a, "result"_a.noconvert(), "threads"_a = 1, "isa"_a = "");
}

Sizes flat(const nb::ndarray<nb::ro>& array) {
  int64_t size = 1;
  for (const int64_t extent : shape_of(array)) size *= extent;
  return {size};
}

void bind_norm(nb::module_& module) {
  module.def(
      "norm_keep",
      [](nb::handle x, nb::handle mean, nb::handle inverse_std, const Output<int8_t>& kept, int threads,
         const std::string& isa) {
        const auto values = argument<float>(x, "norm_keep: x");
        const Sizes& shape = values.array.shape;
        if (shape.size() != 2) check_shape("norm_keep: x", shape, {-1, -1});
        const auto means = shaped<float>(mean, "norm_keep: mean", {shape[1]});
        const auto inverses = shaped<float>(inverse_std, "norm_keep: inverse_std", {shape[1]});
        int8_t* bytes = data_of(kept, "norm_keep: kept", shape);
        const nb::gil_scoped_release release;
        norm_keep(values.array.data, shape[0], shape[1], means.array.data, inverses.array.data, bytes, threads,
                  chosen(isa));
      },
      "x"_a, "mean"_a, "inverse_std"_a, "kept"_a.noconvert(), "threads"_a = 1, "isa"_a = "");
  module.def(
      "norm_gradient",
      [](nb::handle gradient, nb::handle kept, nb::handle weight, nb::handle inverse_std, const Output<float>& to_x,
         const Output<float>& to_weight, const Output<float>& to_bias, int threads, const std::string& isa) {
        const auto g = argument<float>(gradient, "norm_gradient: gradient");
        const Sizes& shape = g.array.shape;
        if (shape.size() != 2) check_shape("norm_gradient: gradient", shape, {-1, -1});
        const Sizes channels{shape[1]};
        const auto bytes = shaped<int8_t>(kept, "norm_gradient: kept", shape);
        const auto weights = shaped<float>(weight, "norm_gradient: weight", channels);
        const auto inverses = shaped<float>(inverse_std, "norm_gradient: inverse_std", channels);
        float* x = data_of(to_x, "norm_gradient: to_x", shape);
        float* w = data_of(to_weight, "norm_gradient: to_weight", channels);
        float* b = data_of(to_bias, "norm_gradient: to_bias", channels);
        const nb::gil_scoped_release release;
        norm_gradient(g.array.data, bytes.array.data, shape[0], shape[1], weights.array.data, inverses.array.data, x, w,
                      b, threads, chosen(isa));
      },
      "gradient"_a, "kept"_a, "weight"_a, "inverse_std"_a, "to_x"_a.noconvert(), "to_weight"_a.noconvert(),
      "to_bias"_a.noconvert(), "threads"_a = 1, "isa"_a = "");
}

void bind_relu(nb::module_& module) {
  module.def(
      "relu_keep",
      [](nb::handle x, const Output<uint32_t>& kept, const Output<float>& result, int threads, const std::string& isa) {
        const auto values = argument<float>(x, "relu_keep: x");
        const int64_t n = flat(values.owner)[0];
        uint32_t* words = data_of(kept, "relu_keep: kept", {words_of(n)});
        float* y = data_of(result, "relu_keep: result", values.array.shape);
        const nb::gil_scoped_release release;
        relu_keep(values.array.data, n, words, y, threads, chosen(isa));
      },
      "x"_a, "kept"_a.noconvert(), "result"_a.noconvert(), "threads"_a = 1, "isa"_a = "");
  module.def(
      "relu_gradient",
      [](nb::handle gradient, nb::handle kept, const Output<float>& result, int threads, const std::string& isa) {
        const auto g = argument<float>(gradient, "relu_gradient: gradient");
        const int64_t n = flat(g.owner)[0];
        const auto words = shaped<uint32_t>(kept, "relu_gradient: kept", {words_of(n)});
        float* x = data_of(result, "relu_gradient: result", g.array.shape);
        const nb::gil_scoped_release release;
        relu_gradient(g.array.data, words.array.data, n, x, threads, chosen(isa));
      },
      "gradient"_a, "kept"_a, "result"_a.noconvert(), "threads"_a = 1, "isa"_a = "");
}

}  // namespace

void bind_training(nb::module_& module) {
  module.attr("MAX_SUM_TERMS") = kMaxSumTerms;
  nb::class_<SignConv>(module, "SignConv")
      .def(
          "__init__",
          [](SignConv* self, std::array<int64_t, 4> image, int64_t out_channels, const Geometry& geometry) {
            new (self) SignConv{image[0], image[1], image[2], image[3], out_channels, geometry};
            check_sign_conv(*self);
          },
          "image"_a, "out_channels"_a, "geometry"_a)
      .def_prop_ro("output", [](const SignConv& self) {
        return nb::make_tuple(self.images, self.out_height(), self.out_width(), self.out_channels);
      });
  bind_pack(module);
  bind_products(module);
  bind_norm(module);
  bind_relu(module);
}

}  // namespace xnorkit::bindings
