// A chain of pointwise operations as a step: all of them on one strip, then the next strip.
#include <algorithm>
#include <cstring>
#include <vector>

#include "common/bits.h"
#include "steps/reference_step.h"
#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

// Pixels of all images are cut into strips that stay in the nearest cache while several loops run over them.
constexpr int64_t kStripFloats = 1024;

// `pixels` consecutive pixels of one image, all their channels; or one pixel, and the channels from `channel` on.
struct Strip {
  int64_t image;
  int64_t position;
  int64_t pixels;
  int64_t channel;
  int64_t channels;

  int64_t floats() const { return pixels * channels; }
};

class Strips {
 public:
  explicit Strips(const Shape& shape)
      : pixels_(shape.pixels()),
        channels_(shape.channels),
        strip_pixels_(std::min(pixels_, std::max<int64_t>(1, kStripFloats / channels_))),
        parts_((channels_ + kStripFloats - 1) / kStripFloats),
        per_image_((pixels_ + strip_pixels_ - 1) / strip_pixels_ * parts_) {}

  // Most pixels of a strip.
  int64_t pixels() const { return strip_pixels_; }

  int64_t total(int64_t images) const { return images * per_image_; }

  Strip strip(int64_t index) const {
    const int64_t inside = index % per_image_;
    const int64_t position = inside / parts_ * strip_pixels_;
    const int64_t channel = inside % parts_ * kStripFloats;
    return {index / per_image_, position, std::min(strip_pixels_, pixels_ - position), channel,
            std::min(channels_ - channel, parts_ == 1 ? channels_ : kStripFloats)};
  }

 private:
  int64_t pixels_;
  int64_t channels_;
  int64_t strip_pixels_;
  int64_t parts_;
  int64_t per_image_;
};

size_t tail_bytes(const TailSpec& tail) {
  size_t bytes = bytes_of(tail.threshold, tail.flip);
  for (const PointwiseSpec& op : tail.list) bytes += bytes_of(op.values);
  return bytes;
}

class StripPointwise final : public Step {
 public:
  StripPointwise(const KernelTable& table, PointwiseChainSpec spec)
      : rows_(*table.rows),
        pack_(table.pack),
        shape_(spec.input),
        strips_(spec.input),
        tail_(std::move(spec.tail)),
        flip_(tail_.bits ? shape_.words() : 0) {
    for (PointwiseSpec& op : tail_.list) repeat(op.values);
    for (int64_t c = 0; c < shape_.channels && tail_.bits; ++c) set_bit(flip_.data(), c, tail_.flip[c] != 0);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * shape_.elements()) * static_cast<double>(tail_.list.size() + 1);
    parallel_each(strips_.total(images), cost, grain::kFloats, threads,
                  [&](int64_t i) { run_strip(io, strips_.strip(i)); });
  }

  size_t resident_bytes() const override { return tail_bytes(tail_); }

 private:
  // Values per channel become values of a whole strip, so that one loop runs over all its pixels.
  void repeat(std::vector<float>& values) const {
    const auto channels = static_cast<size_t>(shape_.channels);
    if (values.size() != channels) return;
    values.resize(channels * static_cast<size_t>(strips_.pixels()));
    for (size_t i = channels; i < values.size(); ++i) values[i] = values[i - channels];
  }

  const float* constants(const PointwiseSpec& op, const Strip& strip) const {
    const auto repeated = static_cast<size_t>(shape_.channels * strips_.pixels());
    const int64_t position = op.values.size() == repeated ? 0 : strip.position;
    return op.values.data() + position * shape_.channels + strip.channel;
  }

  void run_strip(const Operands& io, const Strip& strip) const {
    const int64_t pixel = strip.image * shape_.pixels() + strip.position;
    const int64_t first = pixel * shape_.channels + strip.channel;
    float scratch[kStripFloats];
    const float* x = io.source<float>() + first;
    float* y = tail_.store ? io.result<float>() + first : scratch;
    int next = 1;
    for (const PointwiseSpec& op : tail_.list) {
      apply(op, op.has_operand() ? io.source<float>(next++) : nullptr, strip, x, y);
      x = y;
    }
    if (tail_.store && x != y) std::memcpy(y, x, static_cast<size_t>(strip.floats()) * sizeof(float));
    if (!tail_.bits) return;
    const int64_t word = strip.channel / 32;
    pack_({x, tail_.threshold.data() + strip.channel, flip_.data() + word,
           io.result<uint32_t>(1) + pixel * shape_.words() + word, strip.pixels, strip.channels, 0, 0});
  }

  void apply(const PointwiseSpec& op, const float* operand, const Strip& strip, const float* x, float* y) const {
    const int64_t n = strip.floats();
    const int64_t pixel = strip.image * shape_.pixels() + strip.position;
    const auto value = [&] { return operand + pixel * shape_.channels + strip.channel; };
    const auto channel = [&] { return operand + strip.image * shape_.channels + strip.channel; };
    switch (op.kind) {
      case kAddValue: return rows_.add(x, value(), y, n);
      case kMultiplyValue: return rows_.multiply(x, value(), y, n);
      case kAddPixel:
        return for_each_pixel(
            strip, [&](int64_t p, int64_t i) { rows_.add_one(x + i, operand[pixel + p], y + i, strip.channels); });
      case kMultiplyPixel:
        return for_each_pixel(
            strip, [&](int64_t p, int64_t i) { rows_.multiply_one(x + i, operand[pixel + p], y + i, strip.channels); });
      case kAddChannel:
        return for_each_pixel(strip, [&](int64_t, int64_t i) { rows_.add(x + i, channel(), y + i, strip.channels); });
      case kMultiplyChannel:
        return for_each_pixel(strip,
                              [&](int64_t, int64_t i) { rows_.multiply(x + i, channel(), y + i, strip.channels); });
      case kScale: return rows_.multiply(x, constants(op, strip), y, n);
      case kShift: return rows_.add(x, constants(op, strip), y, n);
      case kClip: return rows_.clip(x, op.low, op.high, y, n);
      case kPrelu: return rows_.prelu(x, constants(op, strip), y, n);
    }
  }

  // Calls visit(pixel of the strip, its first float).
  template <class Visit>
  static void for_each_pixel(const Strip& strip, const Visit& visit) {
    for (int64_t p = 0; p < strip.pixels; ++p) visit(p, p * strip.channels);
  }

  const RowKernels& rows_;
  PackKernel pack_;
  Shape shape_;
  Strips strips_;
  TailSpec tail_;
  std::vector<uint32_t> flip_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, PointwiseChainSpec spec) {
  if (table.rows == nullptr) return reference_step(reference::pointwise, spec, tail_bytes(spec.tail));
  return std::make_unique<StripPointwise>(table, std::move(spec));
}

}  // namespace xnorkit
