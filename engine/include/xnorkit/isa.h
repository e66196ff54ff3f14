// What this CPU and this build can run.
#pragma once

#include <string>
#include <vector>

namespace xnorkit {

// Instruction sets, fastest first; "portable", except in WebAssembly, and "reference" are always there and last.
std::vector<std::string> isas();

// XNORKIT_ISA, else the fastest. Throws std::invalid_argument where the variable names an unsupported one.
std::string default_isa();

// XNORKIT_THREADS, else the physical cores that affinity and the control group's quota leave to this process.
int default_threads();

// 1e9 binary multiply-adds per second of one thread in a register-only xor + popcount + add loop: the best of
// repetitions that together last about `milliseconds`.
double peak_binary_gmacs(const std::string& isa, double milliseconds);

// The same for float32 fused multiply-adds.
double peak_float_gmacs(const std::string& isa, double milliseconds);

}  // namespace xnorkit
