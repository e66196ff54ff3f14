#include "dispatch/sum_table.h"

#include "dispatch/table.h"

namespace xnorkit {

const SumKernels* sum_kernels(const std::string& isa) {
  const std::string name = kernel_table(isa).name;
  if (name == "reference") return nullptr;
#if defined(__x86_64__)
  // The name of a set begins with that of a set whose instructions it includes.
  if (name.rfind("avx512", 0) == 0) return &signed_sums_avx512;
  if (name.rfind("avx2", 0) == 0) return &signed_sums_avx2;
#endif
  return &signed_sums_portable;
}

}  // namespace xnorkit
