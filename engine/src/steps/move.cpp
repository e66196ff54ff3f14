// Steps that only move values: pad, pad_bits, concat, gather_channels, planes.
#include <algorithm>
#include <cstring>
#include <vector>

#include "common/bits.h"
#include "kernels/channels/copy_bits.h"
#include "steps/reference_step.h"
#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

template <class T>
void copy_elements(const T* from, int64_t count, T* to) {
  std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
}

class Pad final : public Step {
 public:
  explicit Pad(PadSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const Shape& out = spec_.output;
    parallel_each(images * out.height, static_cast<double>(images * out.elements()), grain::kFloats, threads,
                  [&](int64_t row) {
                    pad_row(io.source<float>() + row / out.height * spec_.input.elements(),
                            row % out.height - spec_.before[0], io.result<float>() + row * out.width * out.channels);
                  });
  }

 private:
  // `y`: the row of the image that meets this row of the result; none if outside.
  void pad_row(const float* image, int64_t y, float* result) const {
    const Shape& in = spec_.input;
    const Shape& out = spec_.output;
    std::fill_n(result, out.width * out.channels, 0.0f);
    if (y < 0 || y >= in.height) return;
    const float* from = image + y * in.width * in.channels;
    float* to = result + spec_.before[1] * out.channels + spec_.before[2];
    if (in.channels == out.channels) return copy_elements(from, in.width * in.channels, to);
    for (int64_t x = 0; x < in.width; ++x) copy_elements(from + x * in.channels, in.channels, to + x * out.channels);
  }

  PadSpec spec_;
};

// A row of the result is -1 throughout, or -1 on both sides of a row of the image. `minus_` holds -1 in every channel
// of a row that is as long as the result's, so that whatever is padded is one copy; its bits beyond the channels are 0.
class PadBits final : public Step {
 public:
  explicit PadBits(PadBitsSpec spec)
      : spec_(spec), minus_(static_cast<size_t>(spec.output.width * spec.output.words())) {
    for (int64_t x = 0; x < spec.output.width; ++x)
      for (int64_t c = 0; c < spec.output.channels; ++c) {
        set_bit(minus_.data() + x * spec.output.words(), c, true);
      }
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const Shape& out = spec_.output;
    parallel_each(images * out.height, static_cast<double>(images * out.elements()), grain::kFloats, threads,
                  [&](int64_t row) {
                    pad_row(io.source<uint32_t>() + row / out.height * spec_.input.elements(),
                            row % out.height - spec_.before[0], io.result<uint32_t>() + row * out.width * out.words());
                  });
  }

  size_t resident_bytes() const override { return bytes_of(minus_); }

 private:
  // `y`: the row of the image that meets this row of the result; none if outside.
  void pad_row(const uint32_t* image, int64_t y, uint32_t* result) const {
    const int64_t words = spec_.input.words();
    const int64_t whole = spec_.output.width * words;
    if (y < 0 || y >= spec_.input.height) return copy_elements(minus_.data(), whole, result);
    const int64_t left = spec_.before[1] * words;
    const int64_t middle = spec_.input.width * words;
    copy_elements(minus_.data(), left, result);
    copy_elements(image + y * middle, middle, result + left);
    copy_elements(minus_.data(), whole - left - middle, result + left + middle);
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
    parallel_for(pixels, cost, bits ? grain::kMovedWords : grain::kFloats, threads, [&](int64_t begin, int64_t end) {
      if (bits) {
        concat_bits(io, begin, end);
      } else {
        concat_floats(io, begin, end);
      }
    });
  }

 private:
  void concat_floats(const Operands& io, int64_t begin, int64_t end) const {
    int64_t first = 0;
    for (size_t i = 0; i < spec_.inputs.size(); ++i) {
      const int64_t channels = spec_.inputs[i].channels;
      const float* source = io.source<float>(static_cast<int>(i));
      float* result = io.result<float>() + first;
      for (int64_t p = begin; p < end; ++p) {
        copy_elements(source + p * channels, channels, result + p * spec_.output.channels);
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
    parallel_each(pixels, cost, bits ? grain::kMovedWords : grain::kFloats, threads, [&](int64_t p) {
      if (bits) {
        gather_bits(io.source<uint32_t>() + p * spec_.input.words(), io.result<uint32_t>() + p * spec_.output.words());
      } else {
        const float* x = io.source<float>() + p * spec_.input.channels;
        float* y = io.result<float>() + p * spec_.output.channels;
        for (int64_t c = 0; c < spec_.output.channels; ++c) y[c] = x[spec_.index[c]];
      }
    });
  }

  size_t resident_bytes() const override { return bytes_of(spec_.index); }

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

class RowPlanes final : public Step {
 public:
  RowPlanes(ToPlanesKernel to_planes, const PlanesSpec& spec) : kernel_(to_planes), shape_(spec.input) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * shape_.elements());
    parallel_for(images * shape_.height, cost, grain::kFloats, threads, [&](int64_t begin, int64_t end) {
      for_each_part(begin, end, shape_.height, [&](int64_t n, int64_t row, int64_t rows) {
        const int64_t image = n * shape_.elements();
        const int64_t pixel = row * shape_.width;
        kernel_({io.source<float>() + image + pixel * shape_.channels, shape_.channels, rows * shape_.width,
                 shape_.channels, io.result<float>() + image + pixel, shape_.pixels()});
      });
    });
  }

 private:
  ToPlanesKernel kernel_;
  Shape shape_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, PadSpec spec) {
  if (table.rows == nullptr) return reference_step(reference::pad, spec);
  return std::make_unique<Pad>(spec);
}

std::unique_ptr<Step> make_step(const KernelTable& table, PadBitsSpec spec) {
  if (table.rows == nullptr) return reference_step(reference::pad_bits, spec);
  return std::make_unique<PadBits>(spec);
}

std::unique_ptr<Step> make_step(const KernelTable& table, ConcatSpec spec) {
  if (table.rows == nullptr) return reference_step(reference::concat, spec);
  return std::make_unique<Concat>(std::move(spec));
}

std::unique_ptr<Step> make_step(const KernelTable& table, GatherChannelsSpec spec) {
  if (table.rows == nullptr) return reference_step(reference::gather_channels, spec, bytes_of(spec.index));
  return std::make_unique<GatherChannels>(std::move(spec));
}

std::unique_ptr<Step> make_step(const KernelTable& table, PlanesSpec spec) {
  if (table.to_planes == nullptr) return reference_step(reference::planes, spec);
  return std::make_unique<RowPlanes>(table.to_planes, spec);
}

}  // namespace xnorkit
