#include "steps/tail.h"

#include <limits>

#include "common/bits.h"
#include "common/error.h"
#include "layout/channel_blocks.h"

namespace xnorkit {

ArrangedTail::ArrangedTail(const TailSpec& spec, int64_t channels, int64_t lanes) : spec_(spec), channels_(channels) {
  if (spec.list.size() > kMaxTail) {
    fail("tail: there are ", spec.list.size(), " operations, but there must be at most ", kMaxTail, ".");
  }
  for (PointwiseSpec& op : spec_.list) {
    if (!op.values.empty()) op.values.resize(lanes);
  }
  // Lanes without a channel: no float is below -infinity, so their bits come out as 0.
  if (spec.bits) spec_.threshold.resize(lanes, -std::numeric_limits<float>::infinity());
  flip_.assign((lanes + 31) / 32, 0);
  for (size_t c = 0; c < spec.flip.size(); ++c) {
    set_bit(flip_.data(), static_cast<int64_t>(c), spec.flip[c] != 0);
  }
}

size_t ArrangedTail::resident_bytes() const {
  size_t bytes = bytes_of(spec_.threshold, flip_);
  for (const PointwiseSpec& op : spec_.list) bytes += bytes_of(op.values);
  return bytes;
}

TailTile::TailTile(const ArrangedTail& arranged, const Operands& io, int sources, int64_t first_lane)
    : channels_(arranged.channels_), pixel_words_((arranged.channels_ + 31) / 32) {
  const TailSpec& spec = arranged.spec_;
  for (const PointwiseSpec& op : spec.list) {
    Pointwise& to = list_[tail_.count++];
    to = {op.kind, nullptr, nullptr, op.low, op.high};
    if (!op.values.empty()) to.channel = op.values.data() + first_lane;
    if (!op.has_operand()) continue;
    const bool one = op.kind == kAddPixel || op.kind == kMultiplyPixel;
    const bool image = op.kind == kAddChannel || op.kind == kMultiplyChannel;
    source_[operands_] = io.source<float>(sources + operands_) + (one ? 0 : first_lane);
    pixel_step_[operands_] = image ? 0 : one ? 1 : channels_;
    image_step_[operands_] = image ? channels_ : 0;
    to.operand = operand_[operands_++];
  }
  tail_.list = list_;
  if (spec.store) {
    floats_ = io.result<float>() + first_lane;
    tail_.result = result_;
  }
  if (spec.bits) {
    words_ = io.result<uint32_t>(1) + first_lane / 32;
    tail_.bits = bits_;
    tail_.threshold = spec.threshold.data() + first_lane;
    tail_.flip = arranged.flip_.data() + first_lane / 32;
  }
}

void TailTile::set_pixels(const int64_t* pixel, const int64_t* image, int count) {
  if (floats_ != nullptr) {
    for (int p = 0; p < count; ++p) result_[p] = floats_ + pixel[p] * channels_;
  }
  if (words_ != nullptr) {
    for (int p = 0; p < count; ++p) bits_[p] = words_ + pixel[p] * pixel_words_;
  }
  for (int i = 0; i < operands_; ++i) {
    for (int p = 0; p < count; ++p) {
      operand_[i][p] = source_[i] + pixel[p] * pixel_step_[i] + image[p] * image_step_[i];
    }
  }
}

bool fuses_tail(const PointwiseChainSpec&) { return true; }

bool fuses_tail(const ConvSpec& spec) {
  return spec.depthwise() || whole_word_groups(spec.output.channels, spec.geometry.groups);
}

bool fuses_tail(const IntegerConvSpec& spec) { return spec.epilogue == kToF32; }

}  // namespace xnorkit
