#include "dispatch/table.h"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <cstdlib>

#include "common/error.h"
#include "dispatch/depthwise_kernels.h"
#include "dispatch/end_kernels.h"
#include "dispatch/sum_kernels.h"
#include "xnorkit/isa.h"

namespace xnorkit {
namespace {

bool always() { return true; }

#if defined(__x86_64__)
// The compiler's run-time checks include that the operating system saves the wide registers.
bool has_avx512bw() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
}

bool has_avx512() {
  return has_avx512bw() && __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512vnni");
}

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#elif defined(__aarch64__)
// sdot of Armv8.2. Every Mac of this architecture has it; elsewhere without a way to ask, nothing is assumed.
bool has_dot_products() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(__APPLE__)
  return true;
#else
  return false;
#endif
}
#endif

// Fastest first.
const KernelTable kTables[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, &binary_conv_avx512, &masked_binary_conv_avx512, &float_conv_avx512, &depthwise_conv_avx512,
     &depthwise_binary_conv_avx512, &int8_conv_avx512, &depthwise_int8_conv_avx512, &binary_weight_conv_avx512,
     &signed_sums_avx512, pack_avx512, pack_planes_avx512, to_planes_avx2, &rows_avx512, binary_peak_avx512, float_peak_avx512},
    // Without VPOPCNTDQ and VNNI.
    {"avx512bw", has_avx512bw, &binary_conv_avx512bw, &masked_binary_conv_avx2, &float_conv_avx512,
     &depthwise_conv_avx512, &depthwise_binary_conv_avx512, &int8_conv_avx2, &depthwise_int8_conv_avx2,
     &binary_weight_conv_avx512, &signed_sums_avx512, pack_avx512, pack_planes_avx512, to_planes_avx2, &rows_avx512, binary_peak_avx512bw,
     float_peak_avx512},
    {"avx2", has_avx2, &binary_conv_avx2, &masked_binary_conv_avx2, &float_conv_avx2, &depthwise_conv_avx2,
     &depthwise_binary_conv_avx2, &int8_conv_avx2, &depthwise_int8_conv_avx2, &binary_weight_conv_avx2, &signed_sums_avx2, pack_avx2,
     pack_planes_avx2, to_planes_avx2, &rows_avx2, binary_peak_avx2, float_peak_avx2},
#elif defined(__aarch64__)
    // The portable loops over rows are compiled for NEON anyway.
    {"neon_dot", has_dot_products, &binary_conv_neon, &masked_binary_conv_neon, &float_conv_neon, &depthwise_conv_neon,
     &depthwise_binary_conv_neon, &int8_conv_neon_dot, &depthwise_int8_conv_neon, &binary_weight_conv_neon, &signed_sums_portable, pack_neon,
     pack_planes_neon, to_planes_portable, &rows_portable, binary_peak_neon, float_peak_neon},
    {"neon", always, &binary_conv_neon, &masked_binary_conv_neon, &float_conv_neon, &depthwise_conv_neon,
     &depthwise_binary_conv_neon, &int8_conv_neon, &depthwise_int8_conv_neon, &binary_weight_conv_neon, &signed_sums_portable, pack_neon,
     pack_planes_neon, to_planes_portable, &rows_portable, binary_peak_neon, float_peak_neon},
#endif
    {"portable", always, &binary_conv_portable, &masked_binary_conv_portable, &float_conv_portable,
     &depthwise_conv_portable, &depthwise_binary_conv_portable, &int8_conv_portable, &depthwise_int8_conv_portable,
     &binary_weight_conv_portable, &signed_sums_portable, pack_portable, pack_planes_portable, to_planes_portable, &rows_portable,
     binary_peak_portable, float_peak_portable},
    {"reference", always, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
     nullptr, nullptr, binary_peak_reference, float_peak_reference},
};

std::string choices() {
  std::string text;
  for (const std::string& name : isas()) text += (text.empty() ? "" : ", ") + name;
  return text;
}

const KernelTable* find(const std::string& isa) {
  for (const KernelTable& table : kTables) {
    if (isa == table.name && table.supported()) return &table;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> isas() {
  std::vector<std::string> names;
  for (const KernelTable& table : kTables) {
    if (table.supported()) names.emplace_back(table.name);
  }
  return names;
}

std::string default_isa() {
  const char* wish = std::getenv("XNORKIT_ISA");
  if (wish == nullptr || *wish == '\0') return isas().front();
  if (find(wish) == nullptr) {
    fail("XNORKIT_ISA: received '", wish, "'; this CPU and build support: ", choices(), ". Unset it for the fastest");
  }
  return wish;
}

const KernelTable& kernel_table(const std::string& isa) {
  const KernelTable* table = find(isa);
  if (table == nullptr) fail("isa: received '", isa, "'; this CPU and build support: ", choices());
  return *table;
}

}  // namespace xnorkit
