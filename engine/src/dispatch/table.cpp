#include "dispatch/table.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <cstdlib>

#include "common/error.h"
#include "contract/depthwise_kernels.h"
#include "contract/outer_kernels.h"
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

// Intel's client processors from 2021 on, AMD's from Zen 5 on. Compilers ask for it by different names: leaf 7, subleaf
// 1, bit 4 of EAX.
bool has_avx2_vnni() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 16) != 0;
}
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

// Every instruction set begins as the one below it and names what it does better.
constexpr KernelTable reference() {
  KernelTable t;
  t.name = "reference";
  t.supported = always;
  return t;
}

#if !defined(__wasm_simd128__)
constexpr KernelTable portable() {
  KernelTable t;
  t.name = "portable";
  t.supported = always;
  t.binary_conv = &binary_conv_portable;
  t.masked_binary_conv = &masked_binary_conv_portable;
  t.float_conv = &float_conv_portable;
  t.depthwise_conv = &depthwise_conv_portable;
  t.depthwise_binary_conv = &depthwise_binary_conv_portable;
  t.int8_conv = &int8_conv_portable;
  t.depthwise_int8_conv = &depthwise_int8_conv_portable;
  t.binary_weight_conv = &binary_weight_conv_portable;
  t.pack = pack_portable;
  t.pack_planes = pack_planes_portable;
  t.to_planes = to_planes_portable;
  t.rows = &rows_portable;
  return t;
}
#endif

#if defined(__x86_64__)
constexpr KernelTable avx2() {
  KernelTable t = portable();
  t.name = "avx2";
  t.supported = has_avx2;
  t.binary_conv = &binary_conv_avx2;
  t.streamed_binary_conv = &streamed_binary_conv_avx2;
  t.masked_binary_conv = &masked_binary_conv_avx2;
  t.float_conv = &float_conv_avx2;
  t.depthwise_conv = &depthwise_conv_avx2;
  t.depthwise_binary_conv = &depthwise_binary_conv_avx2;
  t.int8_conv = &int8_conv_avx2;
  t.depthwise_int8_conv = &depthwise_int8_conv_avx2;
  t.binary_weight_conv = &binary_weight_conv_avx2;
  t.pack = pack_avx2;
  t.pack_planes = pack_planes_avx2;
  t.to_planes = to_planes_avx2;
  t.rows = &rows_avx2;
  return t;
}

constexpr KernelTable avx2_vnni() {
  KernelTable t = avx2();
  t.name = "avx2_vnni";
  t.supported = has_avx2_vnni;
  t.int8_conv = &int8_conv_avx2_vnni;
  return t;
}

constexpr KernelTable avx512bw() {
  KernelTable t = avx2();
  t.name = "avx512bw";
  t.supported = has_avx512bw;
  t.binary_conv = &binary_conv_avx512bw;
  t.float_conv = &float_conv_avx512;
  t.depthwise_conv = &depthwise_conv_avx512;
  t.depthwise_binary_conv = &depthwise_binary_conv_avx512;
  t.binary_weight_conv = &binary_weight_conv_avx512;
  t.pack = pack_avx512;
  t.pack_planes = pack_planes_avx512;
  t.rows = &rows_avx512;
  return t;
}

// With VPOPCNTDQ and VNNI.
constexpr KernelTable avx512() {
  KernelTable t = avx512bw();
  t.name = "avx512";
  t.supported = has_avx512;
  t.binary_conv = &binary_conv_avx512;
  t.streamed_binary_conv = nullptr;
  t.masked_binary_conv = &masked_binary_conv_avx512;
  t.int8_conv = &int8_conv_avx512;
  t.depthwise_int8_conv = &depthwise_int8_conv_avx512;
  return t;
}
#elif defined(__aarch64__)
// The portable loops over rows are compiled for NEON anyway.
constexpr KernelTable neon() {
  KernelTable t = portable();
  t.name = "neon";
  t.binary_conv = &binary_conv_neon;
  t.masked_binary_conv = &masked_binary_conv_neon;
  t.float_conv = &float_conv_neon;
  t.depthwise_conv = &depthwise_conv_neon;
  t.depthwise_binary_conv = &depthwise_binary_conv_neon;
  t.int8_conv = &int8_conv_neon;
  t.depthwise_int8_conv = &depthwise_int8_conv_neon;
  t.binary_weight_conv = &binary_weight_conv_neon;
  t.pack = pack_neon;
  t.pack_planes = pack_planes_neon;
  return t;
}

constexpr KernelTable neon_dot() {
  KernelTable t = neon();
  t.name = "neon_dot";
  t.supported = has_dot_products;
  t.int8_conv = &int8_conv_neon_dot;
  return t;
}
#elif defined(__wasm_simd128__)
// A module with other instructions does not load, so there is nothing to ask, and no need of a portable set: what that
// would hold and is not named here better is compiled for the same registers.
constexpr KernelTable wasm() {
  KernelTable t = reference();
  t.name = "wasm";
  t.binary_conv = &binary_conv_wasm;
  t.masked_binary_conv = &masked_binary_conv_wasm;
  t.float_conv = &float_conv_wasm;
  t.depthwise_conv = &depthwise_conv_portable;
  t.depthwise_binary_conv = &depthwise_binary_conv_portable;
  t.int8_conv = &int8_conv_wasm;
  t.depthwise_int8_conv = &depthwise_int8_conv_portable;
  t.binary_weight_conv = &binary_weight_conv_wasm;
  t.pack = pack_wasm;
  t.pack_planes = pack_planes_portable;
  t.to_planes = to_planes_portable;
  t.rows = &rows_portable;
  return t;
}
#endif

// Fastest first.
constexpr KernelTable kTables[] = {
// clang-format off
#if defined(__x86_64__)
    avx512(), avx512bw(), avx2_vnni(), avx2(),
#elif defined(__aarch64__)
    neon_dot(), neon(),
#elif defined(__wasm_simd128__)
    wasm(),
#endif
#if !defined(__wasm_simd128__)
    portable(),
#endif
#if !defined(XNORKIT_WITHOUT_REFERENCE)
    reference(),
#endif
    // clang-format on
};

std::string choices() {
  std::string text;
  for (const std::string& name : isas()) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// XNORKIT_ISA; null where it is not set, and in WebAssembly, which would have to ask its host for an environment.
const char* wished_isa() {
#if defined(__wasm__)
  return nullptr;
#else
  return std::getenv("XNORKIT_ISA");
#endif
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
  const char* wish = wished_isa();
  if (wish == nullptr || *wish == '\0') return isas().front();
  if (find(wish) == nullptr) {
    fail("XNORKIT_ISA is '", wish, "', but it must be one that this CPU and build have: ", choices(),
         ". Unset it for the fastest.");
  }
  return wish;
}

const KernelTable& kernel_table(const std::string& isa) {
  const KernelTable* table = find(isa);
  if (table == nullptr) fail("isa is '", isa, "', but it must be one that this CPU and build have: ", choices(), ".");
  return *table;
}

}  // namespace xnorkit
