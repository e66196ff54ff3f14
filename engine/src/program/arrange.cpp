// Steps that only move values: pad, pad_bits, concat, gather_channels.
#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/channels/copy_bits.h"
#include "program/step.h"
#include "program/threads.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Elements that keep a thread busy for some microseconds.
constexpr double kGrain = 1e5;
constexpr double kBitsGrain = 1e4;

void copy_floats(const float* from, int64_t count, float* to) {
  std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
}

void copy_words(const uint32_t* from, int64_t count, uint32_t* to) {
  std::memcpy(to, from, static_cast<size_t>(count) * sizeof(uint32_t));
}

class Pad final : public Step {
 public:
  explicit Pad(PadSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const Shape& out = spec_.output;
    parallel_for(images * out.height, static_cast<double>(images * out.elements()), kGrain, threads,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t row = begin; row < end; ++row) {
                     pad_row(io.source<float>() + row / out.height * spec_.input.elements(),
                             row % out.height - spec_.before[0],
                             io.result<float>() + row * out.width * out.channels);
                   }
                 });
  }

  size_t resident_bytes() const override { return 0; }

 private:
  // `y`: the row of the image that meets this row of the result; none if outside.
  void pad_row(const float* image, int64_t y, float* result) const {
    const Shape& in = spec_.input;
    const Shape& out = spec_.output;
    std::fill_n(result, out.width * out.channels, 0.0f);
    if (y < 0 || y >= in.height) return;
    const float* from = image + y * in.width * in.channels;
    float* to = result + spec_.before[1] * out.channels + spec_.before[2];
    if (in.channels == out.channels) return copy_floats(from, in.width * in.channels, to);
    for (int64_t x = 0; x < in.width; ++x) copy_floats(from + x * in.channels, in.channels, to + x * out.channels);
  }

  PadSpec spec_;
};

// A row of the result is -1 throughout, or -1 on both sides of a row of the image. `minus_` holds -1 in every channel of
// a row that is as long as the result's, so that whatever is padded is one copy; its bits beyond the channels are 0.
class PadBits final : public Step {
 public:
  explicit PadBits(PadBitsSpec spec) : spec_(spec), minus_(static_cast<size_t>(spec.output.width * spec.output.words())) {
    for (int64_t x = 0; x < spec.output.width; ++x)
      for (int64_t c = 0; c < spec.output.channels; ++c) {
        reference::set_bit(minus_.data() + x * spec.output.words(), c, true);
      }
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const Shape& out = spec_.output;
    parallel_for(images * out.height, static_cast<double>(images * out.elements()), kGrain, threads,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t row = begin; row < end; ++row) {
                     pad_row(io.source<uint32_t>() + row / out.height * spec_.input.elements(),
                             row % out.height - spec_.before[0], io.result<uint32_t>() + row * out.width * out.words());
                   }
                 });
  }

  size_t resident_bytes() const override { return 4 * minus_.size(); }

 private:
  // `y`: the row of the image that meets this row of the result; none if outside.
  void pad_row(const uint32_t* image, int64_t y, uint32_t* result) const {
    const int64_t words = spec_.input.words();
    const int64_t whole = spec_.output.width * words;
    if (y < 0 || y >= spec_.input.height) return copy_words(minus_.data(), whole, result);
    const int64_t left = spec_.before[1] * words;
    const int64_t middle = spec_.input.width * words;
    copy_words(minus_.data(), left, result);
    copy_words(image + y * middle, middle, result + left);
    copy_words(minus_.data(), whole - left - middle, result + left + middle);
  }

  PadBitsSpec spec_;
  std::vector<uint32_t> minus_;
};

class Concat final : public Step {
 public:
  explicit Concat(ConcatSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const int64_t pixels = images * spec_.output.pixels();
    const bool bits = spec_.output.kind == Kind::bits;
    const auto cost = static_cast<double>(pixels * spec_.output.pixel_elements());
    parallel_for(pixels, cost, bits ? kBitsGrain : kGrain, threads, [&](int64_t begin, int64_t end) {
      if (bits) {
        concat_bits(io, begin, end);
      } else {
        concat_floats(io, begin, end);
      }
    });
  }

  size_t resident_bytes() const override { return 0; }

 private:
  void concat_floats(const Operands& io, int64_t begin, int64_t end) const {
    int64_t first = 0;
    for (size_t i = 0; i < spec_.inputs.size(); ++i) {
      const int64_t channels = spec_.inputs[i].channels;
      const float* source = io.source<float>(static_cast<int>(i));
      float* result = io.result<float>() + first;
      for (int64_t p = begin; p < end; ++p) {
        copy_floats(source + p * channels, channels, result + p * spec_.output.channels);
      }
      first += channels;
    }
  }

  void concat_bits(const Operands& io, int64_t begin, int64_t end) const {
    const int64_t words = spec_.output.words();
    std::fill_n(io.result<uint32_t>() + begin * words, (end - begin) * words, 0u);
    int64_t first = 0;
    for (size_t i = 0; i < spec_.inputs.size(); ++i) {
      const Shape& in = spec_.inputs[i];
      const uint32_t* source = io.source<uint32_t>(static_cast<int>(i));
      for (int64_t p = begin; p < end; ++p) {
        copy_bits(source + p * in.words(), in.channels, io.result<uint32_t>() + p * words, first);
      }
      first += in.channels;
    }
  }

  ConcatSpec spec_;
};

class GatherChannels final : public Step {
 public:
  explicit GatherChannels(GatherChannelsSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const int64_t pixels = images * spec_.output.pixels();
    const bool bits = spec_.output.kind == Kind::bits;
    const auto cost = static_cast<double>(pixels * spec_.output.channels);
    parallel_for(pixels, cost, bits ? kBitsGrain : kGrain, threads, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        if (bits) {
          gather_bits(io.source<uint32_t>() + p * spec_.input.words(),
                      io.result<uint32_t>() + p * spec_.output.words());
        } else {
          const float* x = io.source<float>() + p * spec_.input.channels;
          float* y = io.result<float>() + p * spec_.output.channels;
          for (int64_t c = 0; c < spec_.output.channels; ++c) y[c] = x[spec_.index[c]];
        }
      }
    });
  }

  size_t resident_bytes() const override { return 4 * spec_.index.size(); }

 private:
  void gather_bits(const uint32_t* x, uint32_t* y) const {
    for (int64_t word = 0; word < spec_.output.words(); ++word) {
      const int64_t first = word * 32;
      const int64_t count = std::min<int64_t>(32, spec_.output.channels - first);
      uint32_t bits = 0;
      for (int64_t i = 0; i < count; ++i) {
        const int32_t from = spec_.index[first + i];
        bits |= ((x[from / 32] >> (from % 32)) & 1u) << i;
      }
      y[word] = bits;
    }
  }

  GatherChannelsSpec spec_;
};

class ReferencePad final : public Step {
 public:
  explicit ReferencePad(PadSpec spec) : spec_(std::move(spec)) {}
  void run(const Operands& io, int64_t images, int) const override {
    reference::pad(spec_, io.source<float>(), io.result<float>(), images);
  }
  size_t resident_bytes() const override { return 0; }

 private:
  PadSpec spec_;
};

class ReferencePadBits final : public Step {
 public:
  explicit ReferencePadBits(PadBitsSpec spec) : spec_(spec) {}
  void run(const Operands& io, int64_t images, int) const override {
    reference::pad_bits(spec_, io.source<uint32_t>(), io.result<uint32_t>(), images);
  }
  size_t resident_bytes() const override { return 0; }

 private:
  PadBitsSpec spec_;
};

class ReferenceConcat final : public Step {
 public:
  explicit ReferenceConcat(ConcatSpec spec) : spec_(std::move(spec)) {}
  void run(const Operands& io, int64_t images, int) const override {
    reference::concat(spec_, io.sources, io.results[0], images);
  }
  size_t resident_bytes() const override { return 0; }

 private:
  ConcatSpec spec_;
};

class ReferenceGatherChannels final : public Step {
 public:
  explicit ReferenceGatherChannels(GatherChannelsSpec spec) : spec_(std::move(spec)) {}
  void run(const Operands& io, int64_t images, int) const override {
    reference::gather_channels(spec_, io.sources[0], io.results[0], images);
  }
  size_t resident_bytes() const override { return 4 * spec_.index.size(); }

 private:
  GatherChannelsSpec spec_;
};

template <class Reference, class Fast, class Spec>
std::unique_ptr<Step> choose(const KernelTable& table, Spec spec) {
  if (table.rows == nullptr) return std::make_unique<Reference>(std::move(spec));
  return std::make_unique<Fast>(std::move(spec));
}

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, PadSpec spec) {
  return choose<ReferencePad, Pad>(table, std::move(spec));
}

std::unique_ptr<Step> make_step(const KernelTable& table, PadBitsSpec spec) {
  return choose<ReferencePadBits, PadBits>(table, std::move(spec));
}

std::unique_ptr<Step> make_step(const KernelTable& table, ConcatSpec spec) {
  return choose<ReferenceConcat, Concat>(table, std::move(spec));
}

std::unique_ptr<Step> make_step(const KernelTable& table, GatherChannelsSpec spec) {
  return choose<ReferenceGatherChannels, GatherChannels>(table, std::move(spec));
}

}  // namespace xnorkit
