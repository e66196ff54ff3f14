// Builds the pointwise operations on floats.
#include <cmath>

#include "common/float_spec.h"
#include "program/state.h"

namespace xnorkit {
namespace {

// A chain of one source and, so far, no operation.
PointwiseChainSpec chain(const ProgramState& state, const char* what, int source) {
  PointwiseChainSpec spec;
  spec.input = state.source(what, source, Kind::f32);
  spec.output = spec.input;
  return spec;
}

// kinds: for an operand of the same shape, of one channel, of one pixel.
int two_values(ProgramState& state, const char* what, int a, int b, std::array<PointwiseKind, 3> kinds) {
  PointwiseChainSpec spec = chain(state, what, a);
  const Shape& x = spec.input;
  const Shape& r = state.source(what, b, Kind::f32);
  const bool same_pixels = r.height == x.height && r.width == x.width;
  PointwiseSpec op{};
  if (same_pixels && r.channels == x.channels) {
    op.kind = kinds[0];
  } else if (same_pixels && r.channels == 1) {
    op.kind = kinds[1];
  } else if (r.height == 1 && r.width == 1 && r.channels == x.channels) {
    op.kind = kinds[2];
  } else {
    fail(what, ": value ", b, " has shape ", shape_text({r.height, r.width, r.channels}), "; required that of value ",
         a, ", ", shape_text({x.height, x.width, x.channels}), ", or one channel or one pixel of it");
  }
  spec.tail.list = {op};
  return state.add(what, {a, b}, std::move(spec));
}

std::vector<float> constants(const std::string& what, const Array<float>& array, const Shape& shape) {
  check_channel_shape(what, array, shape);
  return copy_finite(what, array);
}

Function function_named(const std::string& name) {
  const char* const names[] = {"sigmoid", "tanh", "silu", "gelu", "hardsigmoid", "hardswish", "softmax"};
  for (int i = 0; i < 7; ++i) {
    if (name == names[i]) return static_cast<Function>(i);
  }
  fail("activation: received '", name,
       "'; required 'sigmoid', 'tanh', 'silu', 'gelu', 'hardsigmoid', 'hardswish' or 'softmax'");
}

}  // namespace

int Program::add(int a, int b) { return two_values(*state_, "add", a, b, {kAddValue, kAddPixel, kAddChannel}); }

int Program::multiply(int a, int b) {
  return two_values(*state_, "multiply", a, b, {kMultiplyValue, kMultiplyPixel, kMultiplyChannel});
}

int Program::affine(int source, const Array<float>* scale, const Array<float>* bias) {
  PointwiseChainSpec spec = chain(*state_, "affine", source);
  if (scale == nullptr && bias == nullptr) fail("affine: received neither scale nor bias; required at least one");
  if (scale != nullptr) spec.tail.list.push_back({kScale, constants("affine: scale", *scale, spec.input), 0, 0});
  if (bias != nullptr) spec.tail.list.push_back({kShift, constants("affine: bias", *bias, spec.input), 0, 0});
  return state_->add("affine", {source}, std::move(spec));
}

int Program::clip(int source, float low, float high) {
  PointwiseChainSpec spec = chain(*state_, "clip", source);
  if (!(low <= high)) fail("clip: received low ", low, " and high ", high, "; required low <= high");
  spec.tail.list = {{kClip, {}, low, high}};
  return state_->add("clip", {source}, std::move(spec));
}

int Program::prelu(int source, const Array<float>& slope) {
  PointwiseChainSpec spec = chain(*state_, "prelu", source);
  check_shape("prelu: slope", slope, {spec.input.channels});
  spec.tail.list = {{kPrelu, copy_finite("prelu: slope", slope), 0, 0}};
  return state_->add("prelu", {source}, std::move(spec));
}

int Program::activation(int source, const std::string& function) {
  ActivationSpec spec;
  spec.input = state_->source("activation", source, Kind::f32);
  spec.output = spec.input;
  spec.function = function_named(function);
  return state_->add("activation", {source}, std::move(spec));
}

}  // namespace xnorkit
