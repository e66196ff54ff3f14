// A program with a method per operation, for tests and fuzzers that make many calls: each calls Program::add.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "xnorkit/program.h"

namespace typed {

using xnorkit::Array;
using xnorkit::Attributes;
using xnorkit::DType;
using xnorkit::Geometry;
using xnorkit::Tensor;
using xnorkit::Tensors;

inline Tensor tensor(const Array<float>& a) { return {DType::f32, a.shape, a.data}; }
inline Tensor tensor(const Array<int32_t>& a) { return {DType::i32, a.shape, a.data}; }
inline Tensor tensor(const Array<int8_t>& a) { return {DType::i8, a.shape, a.data}; }
inline Tensor tensor(const Array<uint8_t>& a) { return {DType::u8, a.shape, a.data}; }

template <size_t N>
std::vector<int64_t> list(const std::array<int64_t, N>& numbers) {
  return {numbers.begin(), numbers.end()};
}

// Null where there is no bound.
inline xnorkit::Attribute bound(float value) {
  if (std::isinf(value)) return nullptr;
  return static_cast<double>(value);
}

class Program : public xnorkit::Program {
 public:
  using xnorkit::Program::add;
  using xnorkit::Program::Program;

  int float_conv2d(int source, const Array<float>& weight, const Array<float>& bias, const Geometry& g) {
    const int64_t out = weight.shape.empty() ? 0 : weight.shape[0];
    return add("float_conv2d", {source}, conv(source, out, g), {{"weight", tensor(weight)}, {"bias", tensor(bias)}});
  }
  int binary_weight_conv2d(int source, const Array<uint8_t>& weight, int64_t out, const Geometry& g,
                           const Array<float>& scale, const Array<float>& bias) {
    return add("binary_weight_conv2d", {source}, conv(source, out, g),
               {{"weight", tensor(weight)}, {"scale", tensor(scale)}, {"bias", tensor(bias)}});
  }
  int int8_conv2d_bits(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point,
                       const Array<int32_t>& bias, const Geometry& g, const Array<int32_t>& threshold,
                       const Array<uint8_t>& flip) {
    return int8(source, weight, zero_point, bias, g, "bits", {{"threshold", tensor(threshold)}, {"flip", tensor(flip)}});
  }
  int int8_conv2d_f32(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point,
                      const Array<int32_t>& bias, const Geometry& g, const Array<float>& scale) {
    return int8(source, weight, zero_point, bias, g, "float", {{"scale", tensor(scale)}});
  }
  int int8_conv2d_i32(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point,
                      const Array<int32_t>& bias, const Geometry& g) {
    return int8(source, weight, zero_point, bias, g, "integers", {});
  }
  int binary_conv2d_bits(int source, const Array<uint8_t>& weight, int64_t out, const Geometry& g,
                         const Array<int32_t>& threshold, const Array<uint8_t>& flip) {
    return add("binary_conv2d", {source}, conv(source, out, g, "bits"),
               {{"weight", tensor(weight)}, {"threshold", tensor(threshold)}, {"flip", tensor(flip)}});
  }
  int binary_conv2d_f32(int source, const Array<uint8_t>& weight, int64_t out, const Geometry& g,
                        const Array<float>& scale, const Array<float>& bias) {
    return add("binary_conv2d", {source}, conv(source, out, g, "float"),
               {{"weight", tensor(weight)}, {"scale", tensor(scale)}, {"bias", tensor(bias)}});
  }
  int binary_conv2d_i32(int source, const Array<uint8_t>& weight, int64_t out, const Geometry& g) {
    return add("binary_conv2d", {source}, conv(source, out, g, "integers"), {{"weight", tensor(weight)}});
  }

  int pack(int source, const Array<float>& threshold, const Array<uint8_t>& flip) {
    return add("pack", {source}, {}, {{"threshold", tensor(threshold)}, {"flip", tensor(flip)}});
  }
  int quantize_u8(int source, float scale, int64_t zero_point) {
    return add("quantize_u8", {source}, {{"scale", static_cast<double>(scale)}, {"zero_point", zero_point}});
  }

  int max_pool_bits(int source, const Geometry& g, const Array<uint8_t>& falling) {
    return add("max_pool_bits", {source}, window(g, false), {{"falling", tensor(falling)}});
  }
  int max_pool(int source, const Geometry& g) { return add("max_pool", {source}, window(g, true)); }
  int avg_pool(int source, const Geometry& g, bool ceil_mode, bool count_include_pad) {
    Attributes attributes = window(g, false);
    attributes["ceil_mode"] = ceil_mode;
    attributes["count_include_pad"] = count_include_pad;
    return add("avg_pool", {source}, attributes);
  }
  int global_avg_pool(int source) { return add("global_avg_pool", {source}); }
  int k_map(int source, const Geometry& g) { return add("k_map", {source}, window(g, true)); }

  int add(int a, int b) { return add("add", {a, b}); }
  int multiply(int a, int b) { return add("multiply", {a, b}); }
  int affine(int source, const Array<float>* scale, const Array<float>* bias) {
    Tensors tensors;
    if (scale != nullptr) tensors["scale"] = tensor(*scale);
    if (bias != nullptr) tensors["bias"] = tensor(*bias);
    return add("affine", {source}, {}, tensors);
  }
  int clip(int source, float low, float high) {
    return add("clip", {source}, {{"min", bound(low)}, {"max", bound(high)}});
  }
  int prelu(int source, const Array<float>& slope) { return add("prelu", {source}, {}, {{"slope", tensor(slope)}}); }
  int activation(int source, const std::string& function) {
    return add("activation", {source}, {{"function", function}});
  }

  int pad(int source, const std::array<int64_t, 4>& padding, int64_t before, int64_t after) {
    return add("pad", {source}, {{"padding", list(padding)}, {"channels", std::vector<int64_t>{before, after}}});
  }
  int pad_bits(int source, const std::array<int64_t, 4>& padding) {
    return add("pad_bits", {source}, {{"padding", list(padding)}});
  }
  int concat(const std::vector<int>& sources) { return add("concat", sources); }
  int gather_channels(int source, const Array<int32_t>& index) {
    const int64_t out = index.shape.empty() ? 0 : index.shape[0];
    return add("gather_channels", {source}, {{"out_channels", out}}, {{"index", tensor(index)}});
  }
  int planes(int source) { return add("planes", {source}); }

 private:
  static Attributes window(const Geometry& g, bool dilated) {
    Attributes attributes{{"kernel", list(g.kernel)}, {"stride", list(g.stride)}, {"padding", list(g.padding)}};
    if (dilated) attributes["dilation"] = list(g.dilation);
    return attributes;
  }
  Attributes conv(int source, int64_t out, const Geometry& g, const char* epilogue = nullptr) const {
    Attributes attributes = window(g, true);
    attributes["groups"] = g.groups;
    attributes["in_channels"] = info(source).channels;
    attributes["out_channels"] = out;
    if (epilogue != nullptr) attributes["epilogue"] = std::string(epilogue);
    return attributes;
  }
  int int8(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point, const Array<int32_t>& bias,
           const Geometry& g, const char* epilogue, Tensors tensors) {
    tensors["weight"] = tensor(weight);
    tensors["zero_point"] = tensor(zero_point);
    tensors["bias"] = tensor(bias);
    return add("int8_conv2d", {source}, conv(source, weight.shape.empty() ? 0 : weight.shape[0], g, epilogue), tensors);
  }
};

}  // namespace typed
