// Activations as a step: one implementation for every instruction set and the reference.
#include "kernels/activation/activation.h"
#include "program/step.h"
#include "program/threads.h"

namespace xnorkit {
namespace {

// Values that keep a thread busy for some microseconds.
constexpr double kGrain = 1e3;

class Activation final : public Step {
 public:
  explicit Activation(ActivationSpec spec) : spec_(std::move(spec)) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const int64_t channels = spec_.input.channels;
    const int64_t pixels = images * spec_.input.pixels();
    parallel_for(pixels, static_cast<double>(pixels * channels), kGrain, threads, [&](int64_t begin, int64_t end) {
      activation_rows(spec_.function, io.source<float>() + begin * channels, io.result<float>() + begin * channels,
                      end - begin, channels);
    });
  }

  size_t resident_bytes() const override { return 0; }

 private:
  ActivationSpec spec_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable&, ActivationSpec spec) {
  return std::make_unique<Activation>(std::move(spec));
}

}  // namespace xnorkit
