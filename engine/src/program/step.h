// One operation of a planned program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/spec.h"
#include "dispatch/kernels.h"

namespace xnorkit {

class Step {
 public:
  virtual ~Step() = default;

  // Computes `images` images; source and result hold them one after the other.
  virtual void run(const void* source, void* result, int64_t images, int threads) const = 0;

  // Bytes of weights and thresholds that it keeps.
  virtual size_t resident_bytes() const = 0;
};

std::unique_ptr<Step> make_float_conv(const KernelTable& table, FloatConvSpec spec);
std::unique_ptr<Step> make_binary_conv(const KernelTable& table, BinaryConvSpec spec);
std::unique_ptr<Step> make_pack(const KernelTable& table, PackSpec spec);
std::unique_ptr<Step> make_max_pool(const KernelTable& table, MaxPoolSpec spec);

}  // namespace xnorkit
