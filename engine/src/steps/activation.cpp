// Activations as a step: one implementation for every instruction set and the reference.
#include "steps/step.h"
#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

class Activation final : public Step {
 public:
  explicit Activation(ActivationSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const int64_t channels = spec_.input.channels;
    const int64_t pixels = images * spec_.input.pixels();
    parallel_for(pixels, static_cast<double>(pixels * channels), grain::kFunctionFloats, threads,
                 [&](int64_t begin, int64_t end) {
                   spec_.function->rows(io.source<float>() + begin * channels, io.result<float>() + begin * channels,
                                        end - begin, channels);
                 });
  }

 private:
  ActivationSpec spec_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable&, ActivationSpec spec) {
  return std::make_unique<Activation>(std::move(spec));
}

}  // namespace xnorkit
