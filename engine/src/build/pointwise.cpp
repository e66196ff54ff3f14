// Builds the pointwise operations on floats, and the activations.
#include <array>
#include <limits>

#include "build/operations.h"
#include "contract/activation.h"

namespace xnorkit {
namespace {

// kinds: for an operand of the same shape, of one channel, of one pixel.
Built two_values(const Arguments& a, std::array<PointwiseKind, 3> kinds) {
  auto spec = a.spec_on<PointwiseChainSpec>(Kind::f32);
  const Shape& x = spec.input;
  const Shape& r = a.input(1, Kind::f32);
  const bool same_pixels = r.height == x.height && r.width == x.width;
  PointwiseSpec op{};
  if (same_pixels && r.channels == x.channels) {
    op.kind = kinds[0];
  } else if (same_pixels && r.channels == 1) {
    op.kind = kinds[1];
  } else if (r.height == 1 && r.width == 1 && r.channels == x.channels) {
    op.kind = kinds[2];
  } else {
    fail(a.op(), ": the second value is (H, W, C) = ", shape_text({r.height, r.width, r.channels}), ", but it must be ",
         shape_text({x.height, x.width, x.channels}), ", or one channel or one pixel of that, to fit the first.");
  }
  spec.tail.list = {op};
  return spec;
}

void add_constants(Arguments& a, const char* role, PointwiseKind kind, PointwiseChainSpec& spec) {
  if (!a.has_tensor(role)) return;
  a.check_channel_shape(role, spec.input);
  spec.tail.list.push_back({kind, a.finite(role), 0, 0});
}

}  // namespace

Built build_add(Arguments& a) { return two_values(a, {kAddValue, kAddPixel, kAddChannel}); }

Built build_multiply(Arguments& a) { return two_values(a, {kMultiplyValue, kMultiplyPixel, kMultiplyChannel}); }

Built build_affine(Arguments& a) {
  auto spec = a.spec_on<PointwiseChainSpec>(Kind::f32);
  add_constants(a, "scale", kScale, spec);
  add_constants(a, "bias", kShift, spec);
  if (spec.tail.list.empty()) {
    fail(a.op(), ": tensors: there is neither 'scale' nor 'bias', but there must be at least one.");
  }
  return spec;
}

Built build_clip(Arguments& a) {
  auto spec = a.spec_on<PointwiseChainSpec>(Kind::f32);
  const double endless = std::numeric_limits<double>::infinity();
  const double low = a.bound("min", -endless), high = a.bound("max", endless);
  if (!(low <= high)) fail(a.op(), ": attribute 'min' is ", low, ", but it must be at most 'max', ", high, ".");
  spec.tail.list = {{kClip, {}, static_cast<float>(low), static_cast<float>(high)}};
  return spec;
}

Built build_prelu(Arguments& a) {
  auto spec = a.spec_on<PointwiseChainSpec>(Kind::f32);
  a.check_shape("slope", {spec.input.channels});
  spec.tail.list = {{kPrelu, a.finite("slope"), 0, 0}};
  return spec;
}

Built build_activation(Arguments& a) {
  auto spec = a.spec_on<ActivationSpec>(Kind::f32);
  const std::string& name = a.text("function");
  std::string names;
  for (const ActivationFunction* f = kActivations; f->name != nullptr; ++f) {
    if (name == f->name) spec.function = f;
    names += (names.empty() ? "'" : ", '") + std::string(f->name) + "'";
  }
  if (spec.function == nullptr) {
    fail(a.op(), ": attribute 'function' is '", name, "', but it must be one of ", names, ".");
  }
  return spec;
}

}  // namespace xnorkit
