// An operation as a step that the scalar reference computes.
#pragma once

#include "common/error.h"
#include "reference/reference.h"
#include "steps/step.h"

namespace xnorkit {

template <class Spec>
using ReferenceFunction = void (*)(const Spec&, const Operands&, int64_t images);

template <class Spec>
class ReferenceStep final : public Step {
 public:
  ReferenceStep(ReferenceFunction<Spec> function, Spec spec, size_t bytes, const char* name)
      : function_(function), spec_(std::move(spec)), bytes_(bytes), name_(name) {}

  void run(const Operands& io, int64_t images, int) const override { function_(spec_, io, images); }
  size_t resident_bytes() const override { return bytes_; }
  const char* kernel() const override { return name_; }

 private:
  ReferenceFunction<Spec> function_;
  Spec spec_;
  size_t bytes_;
  const char* name_;
};

// `bytes`: of the weights and thresholds in the specification. A convolution is named in profiles, for it has a choice
// of kernels.
template <class Spec>
std::unique_ptr<Step> reference_step(ReferenceFunction<Spec> function, Spec spec, size_t bytes = 0) {
#if defined(XNORKIT_WITHOUT_REFERENCE)
  // The WebAssembly module: the table of its only instruction set names every kernel, and no file asks for another.
  fail("this build has no reference, but the program needs it.");
#else
  constexpr bool kConv = std::is_base_of_v<ConvSpec, Spec> || std::is_same_v<Spec, PooledConvSpec>;
  return std::make_unique<ReferenceStep<Spec> >(function, std::move(spec), bytes, kConv ? "reference" : "");
#endif
}

}  // namespace xnorkit
