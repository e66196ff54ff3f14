#include "program/macs.h"

#include "program/groups.h"

namespace xnorkit {
namespace {

// Valid taps of all output rows, or columns: those of a pixel are a product of the two.
double valid(int64_t outputs, int64_t size, const Geometry& g, int axis) {
  double taps = 0.0;
  for (int64_t i = 0; i < outputs; ++i) {
    const TapRange range = valid_taps(i, size, g.kernel[axis], g.stride[axis], g.padding[axis], g.dilation[axis]);
    taps += static_cast<double>(range.end - range.begin);
  }
  return taps;
}

template <class Spec>
double convolution_macs(const Spec& spec) {
  const Geometry& g = spec.geometry;
  return valid(spec.output.height, spec.input.height, g, 0) * valid(spec.output.width, spec.input.width, g, 1) *
         static_cast<double>(spec.input.channels / g.groups * spec.output.channels);
}

struct Count {
  double operator()(const FloatConvSpec& spec) const { return convolution_macs(spec); }
  double operator()(const PooledConvSpec& spec) const { return convolution_macs(spec.conv); }
  double operator()(const Int8ConvSpec& spec) const { return convolution_macs(spec); }
  double operator()(const BinaryWeightConvSpec& spec) const { return convolution_macs(spec); }
  double operator()(const BinaryConvSpec& spec) const { return convolution_macs(spec); }
  template <class Other>
  double operator()(const Other&) const {
    return 0.0;
  }
};

}  // namespace

double count_macs(const Operation& operation) { return std::visit(Count{}, operation); }

}  // namespace xnorkit
