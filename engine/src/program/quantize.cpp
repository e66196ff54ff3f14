// Quantization as a step.
#include "kernels/quantize/quantize_row.h"
#include "program/step.h"
#include "program/threads.h"
#include "reference/ends.h"

namespace xnorkit {
namespace {

// Values that keep a thread busy for some microseconds.
constexpr double kGrain = 2e4;

class Quantize final : public Step {
 public:
  Quantize(const QuantizeSpec& spec, bool is_reference) : spec_(spec), is_reference_(is_reference) {}

  void run(const Operands& operands, int64_t images, int threads) const override {
    const auto* source = operands.source<float>();
    auto* result = operands.result<uint8_t>();
    if (is_reference_) return reference::quantize_u8(spec_, source, result, images);
    const int64_t values = images * spec_.input.elements();
    parallel_for(values, static_cast<double>(values), kGrain, threads, [&](int64_t begin, int64_t end) {
      quantize_row(source + begin, end - begin, spec_.scale, spec_.zero_point, result + begin);
    });
  }

  size_t resident_bytes() const override { return 0; }

 private:
  QuantizeSpec spec_;
  bool is_reference_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, QuantizeSpec spec) {
  return std::make_unique<Quantize>(spec, table.float_conv == nullptr);
}

}  // namespace xnorkit
