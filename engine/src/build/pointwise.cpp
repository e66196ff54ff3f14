// Builds the pointwise operations on floats, and the activations.
#include <array>

#include "build/checks.h"
#include "plan/state.h"

namespace xnorkit {
namespace {

// kinds: for an operand of the same shape, of one channel, of one pixel.
int two_values(ProgramState& state, const char* what, int a, int b, std::array<PointwiseKind, 3> kinds) {
  auto spec = state.spec_on<PointwiseChainSpec>(what, a, Kind::f32);
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
  auto spec = state_->spec_on<PointwiseChainSpec>("affine", source, Kind::f32);
  if (scale == nullptr && bias == nullptr) fail("affine: received neither scale nor bias; required at least one");
  if (scale != nullptr) spec.tail.list.push_back({kScale, constants("affine: scale", *scale, spec.input), 0, 0});
  if (bias != nullptr) spec.tail.list.push_back({kShift, constants("affine: bias", *bias, spec.input), 0, 0});
  return state_->add("affine", {source}, std::move(spec));
}

int Program::clip(int source, float low, float high) {
  auto spec = state_->spec_on<PointwiseChainSpec>("clip", source, Kind::f32);
  if (!(low <= high)) fail("clip: received low ", low, " and high ", high, "; required low <= high");
  spec.tail.list = {{kClip, {}, low, high}};
  return state_->add("clip", {source}, std::move(spec));
}

int Program::prelu(int source, const Array<float>& slope) {
  auto spec = state_->spec_on<PointwiseChainSpec>("prelu", source, Kind::f32);
  check_shape("prelu: slope", slope, {spec.input.channels});
  spec.tail.list = {{kPrelu, copy_finite("prelu: slope", slope), 0, 0}};
  return state_->add("prelu", {source}, std::move(spec));
}

int Program::activation(int source, const std::string& function) {
  auto spec = state_->spec_on<ActivationSpec>("activation", source, Kind::f32);
  spec.function = function_named(function);
  return state_->add("activation", {source}, std::move(spec));
}

}  // namespace xnorkit
