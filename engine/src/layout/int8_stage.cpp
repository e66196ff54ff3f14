#include "layout/int8_stage.h"

#include <algorithm>
#include <cstring>

#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {

Int8Stage::Int8Stage(const Int8ConvSpec& spec, Int8Form form)
    : input_(spec.input),
      form_(form),
      top_(spec.geometry.padding[0]),
      value_bytes_(form == kPairs ? 2 : 1),
      rows_(spec.input.height + spec.geometry.padding[0] + spec.geometry.padding[2]),
      left_bytes_(spec.geometry.padding[1] * spec.input.channels * value_bytes_),
      row_bytes_((spec.input.width + spec.geometry.padding[1] + spec.geometry.padding[3]) * spec.input.channels *
                 value_bytes_) {
  const std::vector<ValueRun> whole = runs(spec, 0, input_.channels);
  const bool whole_steps = std::all_of(whole.begin(), whole.end(), [](const ValueRun& r) { return r.length % 4 == 0; });
  is_copy_ = form != kUnsignedBytes || spec.padded() || !whole_steps || spec.geometry.groups != 1;
  for (int64_t i = 0; is_copy_ && i < row_bytes_; ++i) {
    // The platforms of this engine store the low byte first.
    const uint8_t zero = spec.zero_point[i / value_bytes_ % input_.channels] ^ (form == kSignedBytes ? 0x80 : 0);
    padded_row_.push_back(i % value_bytes_ == 0 ? zero : 0);
  }
}

Region Int8Stage::pixels(const Int8ConvSpec& spec) const {
  Region group;
  const int64_t pixel_bytes = input_.channels * value_bytes_;
  for (int64_t oy = 0; oy < spec.output.height; ++oy)
    for (int64_t ox = 0; ox < spec.output.width; ++ox) {
      const int64_t source = oy * spec.geometry.stride[0] * row_bytes_ + ox * spec.geometry.stride[1] * pixel_bytes;
      group.source.push_back(static_cast<int32_t>(source));
      group.result.push_back(static_cast<int32_t>(oy * spec.output.width + ox));
    }
  return group;
}

std::vector<int32_t> Int8Stage::taps(const Int8ConvSpec& spec) const {
  const Geometry& g = spec.geometry;
  std::vector<int32_t> taps;
  for (int64_t ky = 0; ky < g.kernel[0]; ++ky)
    for (int64_t kx = 0; kx < g.kernel[1]; ++kx) {
      const int64_t value = kx * g.dilation[1] * input_.channels;
      taps.push_back(static_cast<int32_t>(ky * g.dilation[0] * row_bytes_ + value * value_bytes_));
    }
  return taps;
}

std::vector<ValueRun> Int8Stage::runs(const Int8ConvSpec& spec, int64_t first, int64_t width) const {
  std::vector<ValueRun> runs;
  int64_t weight = 0;
  for (const int32_t tap : taps(spec)) {
    const auto source = static_cast<int32_t>(tap + first * value_bytes_);
    if (!runs.empty() && runs.back().source + runs.back().length * value_bytes_ == source) {
      runs.back().length += width;
    } else {
      runs.push_back({source, weight, width});
    }
    weight += width;
  }
  return runs;
}

void Int8Stage::fill(const uint8_t* source, uint8_t* staged, int64_t images, int threads) const {
  const auto bytes = static_cast<double>(images * image_bytes());
  parallel_each(images * rows_, bytes, grain::kStagedBytes, threads,
                [&](int64_t row) { fill_row(source, staged, row); });
  std::memset(staged + images * image_bytes(), 0, kSlack);
}

// `row` counts the staged rows of all images.
void Int8Stage::fill_row(const uint8_t* source, uint8_t* staged, int64_t row) const {
  uint8_t* to = staged + row * row_bytes_;
  const int64_t y = row % rows_ - top_;
  const int64_t values = input_.width * input_.channels;
  std::memcpy(to, padded_row_.data(), static_cast<size_t>(row_bytes_));
  if (y < 0 || y >= input_.height) return;
  const uint8_t* from = source + (row / rows_ * input_.height + y) * values;
  if (form_ == kPairs) {
    for (int64_t i = 0; i < values; ++i) to[left_bytes_ + 2 * i] = from[i];
  } else if (form_ == kSignedBytes) {
    for (int64_t i = 0; i < values; ++i) to[left_bytes_ + i] = from[i] ^ 0x80;
  } else {
    std::memcpy(to + left_bytes_, from, static_cast<size_t>(values));
  }
}

}  // namespace xnorkit
