// Pack as a step.
#include <vector>

#include "program/step.h"
#include "program/threads.h"
#include "reference/reference.h"

namespace xnorkit {
namespace {

// Values that keep a thread busy for some microseconds.
constexpr double kGrain = 1e5;

class ReferencePack final : public Step {
 public:
  explicit ReferencePack(PackSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int) const override {
    reference::pack(spec_, io.source<float>(), io.result<uint32_t>(), images);
  }

  size_t resident_bytes() const override { return 4 * spec_.threshold.size() + spec_.flip.size(); }

 private:
  PackSpec spec_;
};

class RowPack final : public Step {
 public:
  RowPack(PackKernel pack, const PackSpec& spec)
      : kernel_(pack), input_(spec.input), per_position_(spec.per_position()), threshold_(spec.threshold) {
    const int64_t positions = per_position_ ? input_.pixels() : 1;
    flip_.assign(positions * input_.words(), 0);
    for (int64_t i = 0; i < positions; ++i)
      for (int64_t c = 0; c < input_.channels; ++c)
        reference::set_bit(&flip_[i * input_.words()], c, spec.flip[i * input_.channels + c] != 0);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * input_.elements());
    parallel_for(images * input_.height, cost, kGrain, threads, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) pack_row(io.source<float>(), io.result<uint32_t>(), row);
    });
  }

  size_t resident_bytes() const override { return 4 * (threshold_.size() + flip_.size()); }

 private:
  // `row` counts the rows of all images.
  void pack_row(const float* source, uint32_t* result, int64_t row) const {
    const int64_t position = per_position_ ? row % input_.height * input_.width : 0;
    PackRow job;
    job.source = source + row * input_.width * input_.channels;
    job.threshold = threshold_.data() + position * input_.channels;
    job.flip = flip_.data() + position * input_.words();
    job.result = result + row * input_.width * input_.words();
    job.pixels = input_.width;
    job.channels = input_.channels;
    job.threshold_step = per_position_ ? input_.channels : 0;
    job.flip_step = per_position_ ? input_.words() : 0;
    kernel_(job);
  }

  PackKernel kernel_;
  Shape input_;
  bool per_position_;
  std::vector<float> threshold_;
  std::vector<uint32_t> flip_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, PackSpec spec) {
  if (table.pack == nullptr) return std::make_unique<ReferencePack>(std::move(spec));
  return std::make_unique<RowPack>(table.pack, spec);
}

}  // namespace xnorkit
