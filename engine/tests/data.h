// Reproducible inputs and weights, and running one program per instruction set.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "typed_program.h"
#include "xnorkit/isa.h"

namespace data {

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  int64_t below(int64_t limit) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(limit)); }

  // Multiples of 1/256 in [-4, 4): comparisons meet equality.
  std::vector<float> floats(int64_t count) {
    std::vector<float> values(count);
    for (float& v : values) v = static_cast<float>(below(2048) - 1024) / 256.0f;
    return values;
  }

  // Full mantissas: sums round.
  std::vector<float> rough_floats(int64_t count) {
    std::vector<float> values(count);
    for (float& v : values) v = static_cast<float>(static_cast<int32_t>(engine_())) / 1e9f;
    return values;
  }

  std::vector<uint8_t> flags(int64_t count) {
    std::vector<uint8_t> values(count);
    for (uint8_t& v : values) v = engine_() & 1u;
    return values;
  }

  std::vector<int32_t> integers(int64_t count, int32_t reach) {
    std::vector<int32_t> values(count);
    for (int32_t& v : values) v = static_cast<int32_t>(below(2 * reach + 1)) - reach;
    return values;
  }

  // Words whose padding bits are 0.
  std::vector<uint32_t> words(int64_t pixels, int64_t channels) {
    const int64_t per_pixel = (channels + 31) / 32;
    std::vector<uint32_t> values(pixels * per_pixel);
    for (uint32_t& v : values) v = static_cast<uint32_t>(engine_());
    for (int64_t p = 1; channels % 32 != 0 && p <= pixels; ++p) values[p * per_pixel - 1] &= (1u << channels % 32) - 1;
    return values;
  }

  // Bytes of filters of `bits` bits each, padding bits 0.
  std::vector<uint8_t> filters(int64_t count, int64_t bits) {
    const int64_t bytes = (bits + 7) / 8;
    std::vector<uint8_t> values(count * bytes);
    for (uint8_t& v : values) v = static_cast<uint8_t>(engine_());
    for (int64_t f = 1; bits % 8 != 0 && f <= count; ++f) values[f * bytes - 1] &= (1 << bits % 8) - 1;
    return values;
  }

 private:
  std::mt19937 engine_;
};

template <class T>
xnorkit::Array<T> view(const std::vector<T>& values, std::vector<int64_t> shape) {
  return {values.data(), std::move(shape)};
}

using Outputs = std::vector<std::vector<uint32_t>>;

// The outputs of a finished program, as 32-bit patterns.
inline Outputs run(const xnorkit::Program& program, const xnorkit::Input& input, int threads) {
  const int64_t images = program.check_input(input);
  Outputs outputs;
  std::vector<void*> results;
  for (const int id : program.outputs()) outputs.emplace_back(images * program.info(id).elements(), 0xdeadbeefu);
  for (auto& output : outputs) results.push_back(output.data());
  program.run(input, results.data(), threads);
  return outputs;
}

using Build = std::function<void(typed::Program&)>;

// Checks that the program that `build` makes returns on every instruction set the bits of the reference.
inline void check_isas(const std::string& what, const std::string& kind, int64_t height, int64_t width,
                       int64_t channels, const xnorkit::Input& input, const Build& build,
                       const std::vector<int>& threads = {1}) {
#ifdef __SANITIZE_THREAD__
  if (threads == std::vector<int>{1}) return;  // one thread does not race; the other builds compare the bits
#endif
  typed::Program reference(kind, height, width, channels, "reference");
  build(reference);
  const Outputs expected = run(reference, input, 1);
  for (const std::string& isa : xnorkit::isas()) {
    if (isa == "reference") continue;
    typed::Program program(kind, height, width, channels, isa);
    build(program);
    for (const int count : threads) {
      CHECK(run(program, input, count) == expected, isa + ", " + std::to_string(count) + " threads: " + what);
    }
  }
}

}  // namespace data
