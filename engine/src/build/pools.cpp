// Builds the pools and the K map.
#include "build/operations.h"

namespace xnorkit {
namespace {

// With padding below the window's first step no window lies wholly outside.
void check_pool_padding(const std::string& what, const Geometry& g) {
  if (g.padding[0] >= g.kernel[0] || g.padding[2] >= g.kernel[0] || g.padding[1] >= g.kernel[1] ||
      g.padding[3] >= g.kernel[1]) {
    fail(what, ": attribute 'padding' is ", shape_text({g.padding.begin(), g.padding.end()}),
         ", but it must be less than the kernel ", shape_text({g.kernel.begin(), g.kernel.end()}),
         " on every side, so that no window lies outside the image.");
  }
}

// A last, incomplete window is added where it begins inside the image or the padding before it.
int64_t ceil_length(int64_t floor_length, int64_t size, int64_t before, int64_t after, int64_t kernel, int64_t stride) {
  const bool incomplete = (size + before + after - kernel) % stride != 0;
  return floor_length + (incomplete && floor_length * stride < size + before ? 1 : 0);
}

template <class Spec>
Spec pool(Arguments& a, Kind kind, bool dilated) {
  Spec spec;
  spec.input = a.input(0, kind);
  spec.geometry = a.window(dilated);
  spec.output = window_output(a.op(), spec.input, spec.geometry, kind, spec.input.channels);
  check_pool_padding(a.op(), spec.geometry);
  return spec;
}

}  // namespace

Built build_max_pool_bits(Arguments& a) {
  auto spec = pool<MaxPoolBitsSpec>(a, Kind::bits, false);
  a.check_shape("falling", {spec.input.channels});
  spec.falling = a.flags("falling");
  return spec;
}

Built build_max_pool(Arguments& a) {
  auto spec = pool<PoolSpec>(a, Kind::f32, true);
  const auto [down, right] = spec.geometry.dilation;
  // A window whose first tap lies before the image has a tap among the first `dilation` pixels, which must exist.
  if (down > spec.input.height || right > spec.input.width) {
    fail(a.op(), ": attribute 'dilation' is ", shape_text({down, right}),
         ", but it must be at most the size of the image, ", spec.input.height, " x ", spec.input.width,
         ", so that every window holds a pixel.");
  }
  return spec;
}

Built build_avg_pool(Arguments& a) {
  auto spec = pool<PoolSpec>(a, Kind::f32, false);
  spec.reduction = PoolSpec::Reduction::average;
  spec.count_include_pad = a.flag("count_include_pad");
  if (a.flag("ceil_mode")) {
    const Geometry& g = spec.geometry;
    Shape& out = spec.output;
    out.height = ceil_length(out.height, spec.input.height, g.padding[0], g.padding[2], g.kernel[0], g.stride[0]);
    out.width = ceil_length(out.width, spec.input.width, g.padding[1], g.padding[3], g.kernel[1], g.stride[1]);
  }
  return spec;
}

Built build_global_avg_pool(Arguments& a) {
  PoolSpec spec;
  spec.reduction = PoolSpec::Reduction::average;
  spec.input = a.input(0, Kind::f32);
  spec.geometry.kernel = {spec.input.height, spec.input.width};
  spec.output = {Kind::f32, 1, 1, spec.input.channels};
  return spec;
}

Built build_k_map(Arguments& a) {
  KMapSpec spec;
  spec.input = a.input(0, Kind::f32);
  spec.geometry = a.window(true);
  spec.output = window_output(a.op(), spec.input, spec.geometry, Kind::f32, 1);
  return spec;
}

}  // namespace xnorkit
