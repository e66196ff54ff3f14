#include "spec/sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/error.h"

namespace xnorkit {

namespace {

int64_t out_size(int64_t size, int64_t before, int64_t after, int64_t kernel, int64_t stride, int64_t dilation) {
  return (size + before + after - dilation * (kernel - 1) - 1) / stride + 1;
}

}  // namespace

int64_t SignConv::out_height() const {
  const Geometry& g = geometry;
  return out_size(height, g.padding[0], g.padding[2], g.kernel[0], g.stride[0], g.dilation[0]);
}

int64_t SignConv::out_width() const {
  const Geometry& g = geometry;
  return out_size(width, g.padding[1], g.padding[3], g.kernel[1], g.stride[1], g.dilation[1]);
}

SumStep::SumStep(float most) {
  const bool number = std::isfinite(most);
  step = number ? most / kSumLimit : std::numeric_limits<float>::quiet_NaN();
  inverse = number && step > 0 ? kSumLimit / most : 0.0f;
  if (!std::isfinite(inverse)) inverse = step = 0.0f;  // `most` is too small to have an inverse: as good as 0
}

void check_sign_conv(const SignConv& conv) {
  const Geometry& g = conv.geometry;
  constexpr int64_t kLimit = int64_t{1} << 40;
  // A factor of 0 would hide how large the others are.
  if (conv.images < 1 || conv.in_channels < 1 || conv.out_channels < 1 || g.groups < 1 ||
      conv.in_channels % g.groups != 0 || conv.out_channels % g.groups != 0) {
    fail("sign_conv: received ", conv.images, " images, ", conv.in_channels, " and ", conv.out_channels,
         " channels in ", g.groups, " groups, but each must be at least 1, and the groups must divide both channels.");
  }
  if (conv.height < 1 || conv.width < 1) {
    fail("sign_conv: received ", conv.height, " x ", conv.width, " pixels, but there must be at least 1 x 1.");
  }
  checked_product("sign_conv: the sizes of the input", {conv.images, conv.height, conv.width, conv.in_channels},
                  kLimit);
  checked_product("sign_conv: the sizes of the weights",
                  {conv.out_channels, conv.in_channels, g.kernel[0], g.kernel[1]}, kLimit);
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t size = axis == 0 ? conv.height : conv.width;
    if (g.kernel[axis] < 1 || g.stride[axis] < 1 || g.dilation[axis] < 1 || g.padding[axis] < 0 ||
        g.padding[axis + 2] < 0 ||
        std::max({g.kernel[axis], g.padding[axis], g.padding[axis + 2], g.dilation[axis]}) > 1 << 24 ||
        size + g.padding[axis] + g.padding[axis + 2] < g.dilation[axis] * (g.kernel[axis] - 1) + 1) {
      fail("sign_conv: axis ", axis, " has size ", size, ", kernel ", g.kernel[axis], ", stride ", g.stride[axis],
           ", padding ", g.padding[axis], " and ", g.padding[axis + 2], ", dilation ", g.dilation[axis],
           ", but these must be positive (padding may be 0), and the kernel must fit in the padded image.");
    }
  }
  checked_product("sign_conv: the sizes of the padded input",
                  {conv.images, conv.height + g.padding[0] + g.padding[2], conv.width + g.padding[1] + g.padding[3]},
                  kLimit);
  const SumShape shape(conv);
  if (g.groups > 1 && shape.group_in % 16 != 0) {
    fail("sign_conv: received groups of ", shape.group_in,
         " channels, but these must be a multiple of 16, or there must be one group.");
  }
  static_assert(kMaxSumTerms == std::numeric_limits<int32_t>::max() / (2 * kSumLimit));
  if (shape.taps * shape.group_out > kMaxSumTerms || conv.images * shape.positions() > kMaxSumTerms) {
    fail("sign_conv: received sums of ", shape.taps * shape.group_out, " and ", conv.images * shape.positions(),
         " values, but each must have at most ", kMaxSumTerms, ", to fit in int32.");
  }
}

}  // namespace xnorkit
