// One operation of a planned program, with what was fused behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "contract/kernels.h"
#include "layout/images.h"
#include "spec/operands.h"
#include "spec/operations.h"

namespace xnorkit {

// Result 0 may be the memory of source 0 of a pointwise chain, or of a value that a tail adds: an element is read
// before the same element is written, and no other step of the time reads it.
class Step {
 public:
  virtual ~Step() = default;

  virtual void run(const Operands& operands, int64_t images, int threads) const = 0;

  // Whether it can read the caller's images instead of value 0, which then is never made.
  virtual bool reads_images() const { return false; }

  // The same as run, from images [first, first + count) of the caller; such a step has no other source. Returns false
  // where one of their floats is NaN or infinite.
  virtual bool run_images(const Images&, int64_t, int64_t, void* const*, int) const { return true; }

  // Bytes of weights and thresholds that it keeps.
  virtual size_t resident_bytes() const { return 0; }

  // Bytes of memory that a run needs besides its values, whatever the number of images.
  virtual size_t scratch_bytes() const { return 0; }

  // Name of the kernel that it runs, for profiles: a tile, "reference" or "" where there is no choice.
  virtual const char* kernel() const { return ""; }
};

std::unique_ptr<Step> make_step(const KernelTable& table, FloatConvSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, Int8ConvSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, BinaryWeightConvSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, QuantizeSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, BinaryConvSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, PackSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, MaxPoolBitsSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, PointwiseChainSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, PoolSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, PooledConvSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, KMapSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, ActivationSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, PadSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, PadBitsSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, ConcatSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, GatherChannelsSpec spec);
std::unique_ptr<Step> make_step(const KernelTable& table, PlanesSpec spec);

// Whether the step that make_step would make runs tails.
bool fuses_tail(const PointwiseChainSpec& spec);
bool fuses_tail(const ConvSpec& spec);
bool fuses_tail(const IntegerConvSpec& spec);

// Bytes of the elements of vectors.
template <class... Vectors>
size_t bytes_of(const Vectors&... vectors) {
  return (size_t{0} + ... + (vectors.size() * sizeof(typename Vectors::value_type)));
}

}  // namespace xnorkit
