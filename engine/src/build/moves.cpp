// Builds what only moves values: pad, pad_bits, concat, gather_channels, planes.
#include "build/checks.h"
#include "plan/state.h"

namespace xnorkit {
namespace {

void check_padding(const std::string& what, int64_t count) {
  if (count < 0) fail(what, " is ", count, "; required at least 0");
  if (count > 0) check_size(what, count);
}

// Adds `before` and `after` to a size; each at most 2^24, so that the sum cannot overflow.
int64_t padded(const std::string& what, int64_t size, int64_t before, int64_t after) {
  check_padding(what, before);
  check_padding(what, after);
  check_size(what, size + before + after);
  return size + before + after;
}

}  // namespace

int Program::pad(int source, const std::array<int64_t, 4>& padding, int64_t before, int64_t after) {
  auto spec = state_->spec_on<PadSpec>("pad", source, Kind::f32);
  spec.output.height = padded("pad: padding of height", spec.input.height, padding[0], padding[2]);
  spec.output.width = padded("pad: padding of width", spec.input.width, padding[1], padding[3]);
  spec.output.channels = padded("pad: padding of channels", spec.input.channels, before, after);
  check_shape_size("pad", spec.output);
  spec.before = {padding[0], padding[1], before};
  return state_->add("pad", {source}, std::move(spec));
}

int Program::pad_bits(int source, const std::array<int64_t, 4>& padding) {
  auto spec = state_->spec_on<PadBitsSpec>("pad_bits", source, Kind::bits);
  spec.output.height = padded("pad_bits: padding of height", spec.input.height, padding[0], padding[2]);
  spec.output.width = padded("pad_bits: padding of width", spec.input.width, padding[1], padding[3]);
  check_shape_size("pad_bits", spec.output);
  spec.before = {padding[0], padding[1]};
  return state_->add("pad_bits", {source}, std::move(spec));
}

int Program::planes(int source) {
  auto spec = state_->spec_on<PlanesSpec>("planes", source, Kind::f32);
  spec.output.kind = Kind::planes;
  return state_->add("planes", {source}, std::move(spec));
}

int Program::concat(const std::vector<int>& sources) {
  if (sources.size() < 2) fail("concat: received ", sources.size(), " values; required at least 2");
  state_->require_building("concat");
  ConcatSpec spec;
  spec.output = state_->value("concat", sources[0]);
  if (spec.output.kind != Kind::bits) state_->source("concat", sources[0], Kind::f32);
  spec.output.channels = 0;
  for (const int id : sources) {
    const Shape& shape = state_->source("concat", id, spec.output.kind);
    if (shape.height != spec.output.height || shape.width != spec.output.width) {
      fail("concat: value ", id, " has ", shape.height, " x ", shape.width, " pixels; required ", spec.output.height,
           " x ", spec.output.width, ", as value ", sources[0]);
    }
    spec.inputs.push_back(shape);
    spec.output.channels += shape.channels;
    check_size("concat: channels", spec.output.channels);
  }
  check_shape_size("concat", spec.output);
  return state_->add("concat", sources, std::move(spec));
}

int Program::gather_channels(int source, const Array<int32_t>& index) {
  state_->require_building("gather_channels");
  GatherChannelsSpec spec;
  spec.input = state_->value("gather_channels", source);
  if (spec.input.kind != Kind::bits) state_->source("gather_channels", source, Kind::f32);
  spec.output = spec.input;
  if (index.shape.size() != 1) fail("gather_channels: index has shape ", shape_text(index.shape), "; required (O,)");
  check_size("gather_channels: channels", index.shape[0]);
  spec.output.channels = index.shape[0];
  check_shape_size("gather_channels", spec.output);
  spec.index = copy(index);
  for (size_t c = 0; c < spec.index.size(); ++c) {
    if (spec.index[c] < 0 || spec.index[c] >= spec.input.channels) {
      fail("gather_channels: index has ", spec.index[c], " at ", c, "; required 0 to ", spec.input.channels - 1);
    }
  }
  return state_->add("gather_channels", {source}, std::move(spec));
}

}  // namespace xnorkit
