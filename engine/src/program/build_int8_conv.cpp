// Builds 8-bit convolutions.
#include <limits>

#include "program/state.h"

namespace xnorkit {
namespace {

// The sum of a filter is at most sum |q| * 255 + |bias| in magnitude: that must be an int32.
void check_sums(const std::string& what, const Int8ConvSpec& spec) {
  for (int64_t o = 0; o < spec.output.channels; ++o) {
    const int8_t* filter = spec.weight.data() + o * spec.filter_values();
    int64_t reach = std::abs(static_cast<int64_t>(spec.bias[o]));
    for (int64_t k = 0; k < spec.filter_values(); ++k) reach += 255 * std::abs(static_cast<int>(filter[k]));
    if (reach > std::numeric_limits<int32_t>::max()) {
      fail(what, ": the sum of filter ", o, " can reach ", reach, "; required: at most ",
           std::numeric_limits<int32_t>::max(), ", sum |weight| * 255 + |bias|");
    }
  }
}

// What the three of them share.
Int8ConvSpec int8_conv(const ProgramState& state, const std::string& what, int source_id, const Array<int8_t>& weight,
                       const Array<uint8_t>& zero_point, const Array<int32_t>& bias, const Geometry& geometry,
                       Kind kind) {
  Int8ConvSpec spec;
  spec.input = state.source(what.c_str(), source_id, Kind::u8);
  spec.geometry = geometry;
  if (weight.shape.size() != 4) {
    fail(what, ": weight has shape ", shape_text(weight.shape), "; required (O, KH, KW, I / groups)");
  }
  const int64_t out_channels = weight.shape[0];
  spec.output = window_output(what, spec.input, geometry, kind, out_channels);
  check_shape(what + ": weight", weight,
              {out_channels, geometry.kernel[0], geometry.kernel[1], spec.group_channels()});
  check_shape(what + ": zero_point", zero_point, {spec.input.channels});
  check_shape(what + ": bias", bias, {out_channels});
  checked_product((what + ": values of a filter").c_str(), {geometry.taps(), spec.group_channels()}, kMaxFilter);
  // Blocks of 64 channels may read the inputs of 64 groups; an image is staged with its padding, in up to 16 bits.
  checked_product((what + ": arranged weights").c_str(),
                  {out_channels + 31, geometry.taps(), std::min(spec.input.channels, 64 * spec.group_channels())},
                  kMaxElements);
  checked_product((what + ": the padded image").c_str(),
                  {spec.input.height + geometry.padding[0] + geometry.padding[2],
                   spec.input.width + geometry.padding[1] + geometry.padding[3], spec.input.channels, 2},
                  kMaxElements);
  spec.weight = copy(weight);
  spec.zero_point = copy(zero_point);
  spec.bias = copy(bias);
  check_sums(what, spec);
  return spec;
}

}  // namespace

int Program::int8_conv2d_bits(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point,
                              const Array<int32_t>& bias, const Geometry& geometry, const Array<int32_t>& threshold,
                              const Array<uint8_t>& flip) {
  const std::string what = "int8_conv2d_bits";
  Int8ConvSpec spec = int8_conv(*state_, what, source, weight, zero_point, bias, geometry, Kind::bits);
  spec.epilogue = kToBits;
  check_channel_shape(what + ": threshold", threshold, spec.output);
  check_shape(what + ": flip", flip, threshold.shape);
  spec.threshold = copy(threshold);
  spec.flip = copy_flags(what + ": flip", flip);
  return state_->add("int8_conv2d_bits", {source}, std::move(spec));
}

int Program::int8_conv2d_f32(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point,
                             const Array<int32_t>& bias, const Geometry& geometry, const Array<float>& scale) {
  const std::string what = "int8_conv2d_f32";
  Int8ConvSpec spec = int8_conv(*state_, what, source, weight, zero_point, bias, geometry, Kind::f32);
  spec.epilogue = kToF32;
  check_shape(what + ": scale", scale, {spec.output.channels});
  spec.scale = copy_finite(what + ": scale", scale);
  return state_->add("int8_conv2d_f32", {source}, std::move(spec));
}

int Program::int8_conv2d_i32(int source, const Array<int8_t>& weight, const Array<uint8_t>& zero_point,
                             const Array<int32_t>& bias, const Geometry& geometry) {
  Int8ConvSpec spec = int8_conv(*state_, "int8_conv2d_i32", source, weight, zero_point, bias, geometry, Kind::i32);
  return state_->add("int8_conv2d_i32", {source}, std::move(spec));
}

}  // namespace xnorkit
