// Max-pool on bits as a step.
#include <vector>

#include "kernels/max_pool/max_pool_words.h"
#include "program/groups.h"
#include "program/step.h"
#include "program/threads.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Words read that keep a thread busy for some microseconds.
constexpr double kGrain = 2e4;

class ReferenceMaxPoolBits final : public Step {
 public:
  explicit ReferenceMaxPoolBits(MaxPoolBitsSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int) const override {
    reference::max_pool_bits(spec_, io.source<uint32_t>(), io.result<uint32_t>(), images);
  }

  size_t resident_bytes() const override { return spec_.falling.size(); }

 private:
  MaxPoolBitsSpec spec_;
};

class WordsMaxPoolBits final : public Step {
 public:
  explicit WordsMaxPoolBits(const MaxPoolBitsSpec& spec)
      : input_(spec.input), output_(spec.output), geometry_(spec.geometry), falling_(spec.input.words()) {
    for (int64_t c = 0; c < input_.channels; ++c) reference::set_bit(falling_.data(), c, spec.falling[c] != 0);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * output_.elements()) * static_cast<double>(geometry_.taps());
    parallel_for(images * output_.height, cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        pool_row(io.source<uint32_t>(), io.result<uint32_t>(), row);
      }
    });
  }

  size_t resident_bytes() const override { return 4 * falling_.size(); }

 private:
  // `row` counts the output rows of all images.
  void pool_row(const uint32_t* source, uint32_t* result, int64_t row) const {
    const Geometry& g = geometry_;
    const int64_t words = input_.words();
    const int64_t oy = row % output_.height;
    const uint32_t* image = source + row / output_.height * input_.elements();
    const TapRange rows = valid_taps(oy, input_.height, g.kernel[0], g.stride[0], g.padding[0], g.dilation[0]);
    const int64_t y = oy * g.stride[0] - g.padding[0] + rows.begin * g.dilation[0];
    for (int64_t ox = 0; ox < output_.width; ++ox) {
      const TapRange columns = valid_taps(ox, input_.width, g.kernel[1], g.stride[1], g.padding[1], g.dilation[1]);
      const int64_t x = ox * g.stride[1] - g.padding[1] + columns.begin * g.dilation[1];
      max_pool_words(image + (y * input_.width + x) * words, rows.end - rows.begin,
                     g.dilation[0] * input_.width * words, columns.end - columns.begin, g.dilation[1] * words,
                     falling_.data(), words, result + (row * output_.width + ox) * words);
    }
  }

  Shape input_;
  Shape output_;
  Geometry geometry_;
  std::vector<uint32_t> falling_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, MaxPoolBitsSpec spec) {
  if (table.binary_conv == nullptr) return std::make_unique<ReferenceMaxPoolBits>(std::move(spec));
  return std::make_unique<WordsMaxPoolBits>(spec);
}

}  // namespace xnorkit
