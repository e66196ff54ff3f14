// The emulated fused multiply-add equals the processor's, or std::fma where it has none.
#include "common/fma.h"

#include <cmath>

#include "data.h"

namespace {

float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

#if defined(__x86_64__)
__attribute__((target("fma"))) float instruction(float x, float w, float s) { return __builtin_fmaf(x, w, s); }

float fused(float x, float w, float s) {
  static const bool has_instruction = __builtin_cpu_supports("fma");
  return has_instruction ? instruction(x, w, s) : std::fma(x, w, s);
}
#else
float fused(float x, float w, float s) { return std::fma(x, w, s); }
#endif

void check_one(float x, float w, float s) {
  const float expected = fused(x, w, s);
  const float result = xnorkit::fused_multiply_add(x, w, s);
  CHECK(std::isnan(expected) ? std::isnan(result) : bits_of(result) == bits_of(expected),
        std::to_string(x) + " * " + std::to_string(w) + " + " + std::to_string(s));
}

}  // namespace

int main() {
  std::mt19937 random(1);
  for (int i = 0; i < 300000; ++i) {
    const float x = from_bits(random());
    const float w = from_bits(random());
    check_one(x, w, from_bits(random()));
    // Sums near the product, of either sign: cancellation, and ties between two floats.
    const float product = x * w;
    check_one(x, w, from_bits(bits_of(product) ^ (random() & 0x80000003u)));
    check_one(x, w, from_bits(bits_of(product) + (24u << 23) + (random() & 3)));
    check_one(x, w, from_bits(bits_of(product) - (24u << 23) + (random() & 3)));
  }
  // (1 + e) (1 - e) = 1 - 2^-46: the sum is 2^-70 off the middle of two floats, where a double ends on the middle.
  const float e = std::ldexp(1.0f, -23);
  const float half = e / 2;
  for (const float sign : {1.0f, -1.0f}) {
    for (const float start : {1.0f, 1.0f + e, 1.0f + 2 * e, 1.0f + 3 * e}) {
      check_one(sign * half * (1 + e), 1 - e, start);
      check_one(sign * half * (1 + e), 1 - e, -start);
      check_one(sign * half, 1.0f, start);
    }
  }
  for (const float special : {0.0f, -0.0f, INFINITY, -INFINITY, from_bits(0x7fc00000u), from_bits(1u)}) {
    for (const float other : {0.0f, -0.0f, 1.0f, -1.0f, INFINITY, -INFINITY, from_bits(0x7f7fffffu), from_bits(1u)}) {
      for (const float s : {0.0f, -0.0f, 1.0f, -INFINITY, INFINITY, from_bits(0x80000001u)})
        check_one(special, other, s);
    }
  }
  return check::finish();
}
