// Builds the pools of floats and the K map.
#include "build/checks.h"
#include "plan/state.h"

namespace xnorkit {
namespace {

// With padding below the window's first step no window lies wholly outside.
void check_pool_padding(const std::string& what, const Geometry& g) {
  if (g.padding[0] >= g.kernel[0] || g.padding[2] >= g.kernel[0] || g.padding[1] >= g.kernel[1] ||
      g.padding[3] >= g.kernel[1]) {
    fail(what, ": padding is ", shape_text({g.padding.begin(), g.padding.end()}), " for a kernel of ",
         shape_text({g.kernel.begin(), g.kernel.end()}), "; required: padding smaller than the kernel");
  }
  check_one_group(what, g);
}

// A last, incomplete window is added where it begins inside the image or the padding before it.
int64_t ceil_length(int64_t floor_length, int64_t size, int64_t before, int64_t after, int64_t kernel, int64_t stride) {
  const bool incomplete = (size + before + after - kernel) % stride != 0;
  return floor_length + (incomplete && floor_length * stride < size + before ? 1 : 0);
}

template <class Spec>
Spec window(const ProgramState& state, const std::string& what, int source, Kind kind, const Geometry& geometry) {
  Spec spec;
  spec.input = state.source(what, source, kind);
  spec.geometry = geometry;
  spec.output = window_output(what, spec.input, geometry, kind, spec.input.channels);
  check_pool_padding(what, geometry);
  return spec;
}

}  // namespace

int Program::max_pool_bits(int source, const Geometry& geometry, const Array<uint8_t>& falling) {
  const std::string what = "max_pool_bits";
  auto spec = window<MaxPoolBitsSpec>(*state_, what, source, Kind::bits, geometry);
  check_shape(what + ": falling", falling, {spec.input.channels});
  spec.falling = copy_flags(what + ": falling", falling);
  return state_->add("max_pool_bits", {source}, std::move(spec));
}

int Program::max_pool(int source, const Geometry& geometry) {
  return state_->add("max_pool", {source}, window<PoolSpec>(*state_, "max_pool", source, Kind::f32, geometry));
}

int Program::avg_pool(int source, const Geometry& geometry, bool ceil_mode, bool count_include_pad) {
  auto spec = window<PoolSpec>(*state_, "avg_pool", source, Kind::f32, geometry);
  spec.reduction = PoolSpec::Reduction::average;
  spec.count_include_pad = count_include_pad;
  if (geometry.dilation != std::array<int64_t, 2>{1, 1}) fail("avg_pool: dilation is not 1; required 1");
  if (ceil_mode) {
    const Geometry& g = geometry;
    Shape& out = spec.output;
    out.height = ceil_length(out.height, spec.input.height, g.padding[0], g.padding[2], g.kernel[0], g.stride[0]);
    out.width = ceil_length(out.width, spec.input.width, g.padding[1], g.padding[3], g.kernel[1], g.stride[1]);
  }
  return state_->add("avg_pool", {source}, std::move(spec));
}

int Program::global_avg_pool(int source) {
  PoolSpec spec;
  spec.reduction = PoolSpec::Reduction::average;
  spec.input = state_->source("global_avg_pool", source, Kind::f32);
  spec.geometry.kernel = {spec.input.height, spec.input.width};
  spec.output = {Kind::f32, 1, 1, spec.input.channels};
  return state_->add("global_avg_pool", {source}, std::move(spec));
}

int Program::k_map(int source, const Geometry& geometry) {
  KMapSpec spec;
  spec.input = state_->source("k_map", source, Kind::f32);
  spec.geometry = geometry;
  check_one_group("k_map", geometry);
  spec.output = window_output("k_map", spec.input, geometry, Kind::f32, 1);
  return state_->add("k_map", {source}, std::move(spec));
}

}  // namespace xnorkit
