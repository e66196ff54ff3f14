#include "dispatch/sum_table.h"

#include "dispatch/table.h"

namespace xnorkit {

const SumKernels* sum_kernels(const std::string& isa) {
  const std::string name = kernel_table(isa).name;
  if (name == "reference") return nullptr;
#if defined(__x86_64__)
  if (name == "avx2" || name == "avx2_vnni") return &signed_sums_avx2;
  if (name != "portable") return &signed_sums_avx512;
#endif
  return &signed_sums_portable;
}

}  // namespace xnorkit
