// Max-pool on bits as a step.
#include <vector>

#include "common/bits.h"
#include "kernels/max_pool/max_pool_words.h"
#include "layout/regions.h"
#include "steps/reference_step.h"
#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

class WordsMaxPoolBits final : public Step {
 public:
  explicit WordsMaxPoolBits(const MaxPoolBitsSpec& spec)
      : input_(spec.input), output_(spec.output), geometry_(spec.geometry), falling_(spec.input.words()) {
    for (int64_t c = 0; c < input_.channels; ++c) set_bit(falling_.data(), c, spec.falling[c] != 0);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * output_.elements()) * static_cast<double>(geometry_.taps());
    parallel_each(images * output_.height, cost, grain::kPooledWords, threads,
                  [&](int64_t row) { pool_row(io.source<uint32_t>(), io.result<uint32_t>(), row); });
  }

  size_t resident_bytes() const override { return bytes_of(falling_); }

 private:
  // `row` counts the output rows of all images.
  void pool_row(const uint32_t* source, uint32_t* result, int64_t row) const {
    const Geometry& g = geometry_;
    const int64_t words = input_.words();
    const int64_t oy = row % output_.height;
    const uint32_t* image = source + row / output_.height * input_.elements();
    const TapRange rows = valid_taps(g, 0, oy, input_.height);
    const int64_t y = oy * g.stride[0] - g.padding[0] + rows.begin * g.dilation[0];
    for (int64_t ox = 0; ox < output_.width; ++ox) {
      const TapRange columns = valid_taps(g, 1, ox, input_.width);
      const int64_t x = ox * g.stride[1] - g.padding[1] + columns.begin * g.dilation[1];
      max_pool_words(image + (y * input_.width + x) * words, rows.count(), g.dilation[0] * input_.width * words,
                     columns.count(), g.dilation[1] * words, falling_.data(), words,
                     result + (row * output_.width + ox) * words);
    }
  }

  Shape input_;
  Shape output_;
  Geometry geometry_;
  std::vector<uint32_t> falling_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, MaxPoolBitsSpec spec) {
  if (table.binary_conv == nullptr) return reference_step(reference::max_pool_bits, spec, bytes_of(spec.falling));
  return std::make_unique<WordsMaxPoolBits>(spec);
}

}  // namespace xnorkit
