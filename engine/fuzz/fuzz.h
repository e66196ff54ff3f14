// What the fuzzers share: numbers drawn from the fuzzer's bytes, data drawn from a seed among them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "xnorkit/types.h"

namespace fuzz {

// Ends the process: the fuzzer keeps the bytes.
[[noreturn]] inline void found(const std::string& what) {
  std::fprintf(stderr, "found: %s\n", what.c_str());
  std::abort();
}

// Data of an array, however long, from two bytes: `style` and a seed.
class Values {
 public:
  Values(int64_t style, uint64_t seed) : style_(style % 16), state_(seed) {}

  // SplitMix64, its upper half.
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) >> 32;
  }

  // By style: any bits (NaN and infinity among them), finite ones of all sizes, subnormal ones, full mantissas near 1,
  // or multiples of 1/8, of which sums meet equality.
  float real() {
    const auto bits = static_cast<uint32_t>(next());
    float any;
    std::memcpy(&any, &bits, sizeof any);
    if (style_ == 15) return any;
    if (style_ == 14) return any - any == 0 ? any : 0.0f;
    if (style_ == 13) return static_cast<float>(static_cast<int32_t>(bits) >> 16) * 1e-42f;
    if (style_ >= 8) return static_cast<float>(static_cast<int32_t>(bits)) / 1e9f;
    return static_cast<float>(static_cast<int32_t>(bits % 65) - 32) / 8;
  }

 private:
  int64_t style_;
  uint64_t state_;
};

constexpr double kMaxArray = 1 << 16;  // elements

template <class T>
struct Owned {
  std::vector<T> values;
  std::vector<int64_t> shape;

  operator xnorkit::Array<T>() const { return {values.data(), shape}; }
};

// The fuzzer's bytes in order, then zeros.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  size_t left() const { return size_ - place_; }
  int64_t byte() { return place_ < size_ ? data_[place_++] : 0; }
  int64_t below(int64_t limit) { return byte() % limit; }

  // least to most, and one time in 16 a number that no loop should meet.
  int64_t number(int64_t least, int64_t most) {
    constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
    // clang-format off
    constexpr int64_t kExtreme[16] = {0, -1, 126, 127, 255, 4096, 1 << 16, (1 << 24) - 1, 1 << 24, (1 << 24) + 1,
                                      kMax >> 32, int64_t{1} << 31, (int64_t{1} << 32) + 1, int64_t{1} << 62, kMax,
                                      -kMax - 1};
    // clang-format on
    const int64_t b = byte();
    return b < 240 ? least + b % (most - least + 1) : kExtreme[b - 240];
  }

  Values values() {
    const int64_t style = byte();
    return {style, static_cast<uint64_t>(byte())};
  }

  // An array of the required shape; sometimes of another one. Its data are as many as its shape says.
  template <class T, class Fill>
  Owned<T> array(std::vector<int64_t> shape, const Fill& fill) {
    const int64_t b = byte();
    const auto last = static_cast<size_t>(b) % shape.size();
    if (b >= 251) shape[last] = shape[last] > 0 && shape[last] < (1 << 24) ? shape[last] + 1 : 1;
    if (b == 250) shape[last] = 0;
    if (b == 249) shape.pop_back();
    if (elements(shape) < 0 || elements(shape) > kMaxArray) {
      shape = b & 1 ? std::vector<int64_t>{1} : std::vector<int64_t>{shape[0], 0};
    }
    Values values(b, static_cast<uint64_t>(byte()));
    Owned<T> result{std::vector<T>(static_cast<size_t>(elements(shape))), std::move(shape)};
    for (T& value : result.values) value = static_cast<T>(fill(values));
    return result;
  }

  Owned<float> floats(std::vector<int64_t> shape) {
    return array<float>(std::move(shape), [](Values& v) { return v.real(); });
  }

  Owned<uint8_t> flags(std::vector<int64_t> shape) {
    const uint64_t limit = byte() == 255 ? 3 : 2;
    return array<uint8_t>(std::move(shape), [=](Values& v) { return v.next() % limit; });
  }

  // From -reach to reach - 1.
  template <class T>
  Owned<T> integers(std::vector<int64_t> shape, uint64_t reach) {
    return array<T>(std::move(shape), [=](Values& v) {
      return static_cast<int64_t>(v.next() % (2 * reach)) - static_cast<int64_t>(reach);
    });
  }

 private:
  static double elements(const std::vector<int64_t>& shape) {
    double size = 1;
    for (const int64_t length : shape) size *= static_cast<double>(length);
    return size;
  }

  const uint8_t* data_;
  size_t size_;
  size_t place_ = 0;
};

}  // namespace fuzz
