// A chain of pointwise operations as a step: all of them on one strip, then the next strip.
#include <cstring>
#include <vector>

#include "program/step.h"
#include "program/strips.h"
#include "program/threads.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Floats times operations that keep a thread busy for some microseconds.
constexpr double kGrain = 1e5;

size_t tail_bytes(const TailSpec& tail) {
  size_t bytes = 4 * tail.threshold.size() + tail.flip.size();
  for (const PointwiseSpec& op : tail.list) bytes += 4 * op.values.size();
  return bytes;
}

class ReferencePointwise final : public Step {
 public:
  explicit ReferencePointwise(PointwiseChainSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int) const override {
    const TailSpec& tail = spec_.tail;
    reference::pointwise(tail, spec_.input, io.source<float>(), io.sources + 1, io.result<float>(),
                         tail.bits ? io.result<uint32_t>(1) : nullptr, images);
  }

  size_t resident_bytes() const override { return tail_bytes(spec_.tail); }

 private:
  PointwiseChainSpec spec_;
};

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
    for (int64_t c = 0; c < shape_.channels && tail_.bits; ++c) reference::set_bit(flip_.data(), c, tail_.flip[c] != 0);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * shape_.elements()) * static_cast<double>(tail_.list.size() + 1);
    parallel_for(strips_.total(images), cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) run_strip(io, strips_.strip(i));
    });
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
      case kAddValue:
        return rows_.add(x, value(), y, n);
      case kMultiplyValue:
        return rows_.multiply(x, value(), y, n);
      case kAddPixel:
        return for_each_pixel(strip, [&](int64_t p, int64_t i) {
          rows_.add_one(x + i, operand[pixel + p], y + i, strip.channels);
        });
      case kMultiplyPixel:
        return for_each_pixel(strip, [&](int64_t p, int64_t i) {
          rows_.multiply_one(x + i, operand[pixel + p], y + i, strip.channels);
        });
      case kAddChannel:
        return for_each_pixel(strip, [&](int64_t, int64_t i) { rows_.add(x + i, channel(), y + i, strip.channels); });
      case kMultiplyChannel:
        return for_each_pixel(strip,
                              [&](int64_t, int64_t i) { rows_.multiply(x + i, channel(), y + i, strip.channels); });
      case kScale:
        return rows_.multiply(x, constants(op, strip), y, n);
      case kShift:
        return rows_.add(x, constants(op, strip), y, n);
      case kClip:
        return rows_.clip(x, op.low, op.high, y, n);
      case kPrelu:
        return rows_.prelu(x, constants(op, strip), y, n);
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
  if (table.rows == nullptr) return std::make_unique<ReferencePointwise>(std::move(spec));
  return std::make_unique<StripPointwise>(table, std::move(spec));
}

bool fuses_tail(const KernelTable&, const PointwiseChainSpec&) { return true; }

}  // namespace xnorkit
