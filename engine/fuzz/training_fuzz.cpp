// Bytes become shapes and data of the functions that training on bits calls. A shape may be refused by
// std::invalid_argument, in the same words on every instruction set; else all return the reference's bits, on one
// thread and on two. Of a float that is NaN the bits do not count.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "fuzz.h"
#include "xnorkit/isa.h"
#include "xnorkit/training.h"

namespace {

using fuzz::Bytes;
using fuzz::Values;
using xnorkit::SignConv;

constexpr double kWork = 1 << 16;  // multiply-adds of a product
constexpr int64_t kMaxThreads = 2;

std::vector<float> floats(int64_t count, Bytes& bytes) {
  Values values = bytes.values();
  std::vector<float> result(static_cast<size_t>(count));
  for (float& value : result) value = values.real();
  return result;
}

// Words of `pixels` times `channels` bits, padding bits 0.
std::vector<uint32_t> words(int64_t pixels, int64_t channels, Bytes& bytes) {
  Values values = bytes.values();
  const int64_t per_pixel = (channels + 31) / 32;
  std::vector<uint32_t> result(static_cast<size_t>(pixels * per_pixel));
  for (uint32_t& word : result) word = static_cast<uint32_t>(values.next());
  for (int64_t p = per_pixel; channels % 32 != 0 && p <= pixels * per_pixel; p += per_pixel) {
    result[static_cast<size_t>(p) - 1] &= (1u << channels % 32) - 1;
  }
  return result;
}

// Calls body(isa, threads), which appends results to a string of bytes, for all instruction sets, and compares.
class Results {
 public:
  template <class T>
  void add(const std::vector<T>& values) {
    for (T value : values) {
      if (value != value) std::memset(&value, 0xff, sizeof value);
      const char* from = reinterpret_cast<const char*>(&value);
      text_.insert(text_.end(), from, from + sizeof value);
    }
  }
  void add(const std::string& message) { text_ += message; }
  bool operator!=(const Results& other) const { return text_ != other.text_; }

 private:
  std::string text_;
};

template <class Body>
void compare(const char* what, const Body& body) {
  const auto results = [&](const std::string& isa, int threads) {
    Results made;
    try {
      body(isa, threads, made);
    } catch (const std::invalid_argument& error) {
      made.add(std::string(error.what()));
    }
    return made;
  };
  const Results expected = results("reference", 1);
  for (const std::string& isa : xnorkit::isas()) {
    for (int threads = 1; threads <= kMaxThreads; ++threads) {
      if (results(isa, threads) != expected) {
        fuzz::found(std::string(what) + ", " + isa + ", " + std::to_string(threads) + " threads");
      }
    }
  }
}

// False where the products of a shape that check_sign_conv lets pass would take too much.
bool affordable(const SignConv& c) {
  const auto in = static_cast<double>(c.in_channels), out = static_cast<double>(c.out_channels);
  const auto& g = c.geometry;
  const auto images = static_cast<double>(c.images);
  const double padded = static_cast<double>(c.height + g.padding[0] + g.padding[2]) *
                        static_cast<double>(c.width + g.padding[1] + g.padding[3]);
  const auto taps = static_cast<double>(g.taps());
  const double positions = static_cast<double>(c.out_height()) * static_cast<double>(c.out_width());
  const double work = images * positions * (taps * in / static_cast<double>(g.groups) * out + out + 20);
  return std::max({work, images * padded * (in + 16), taps * (in + 64) * out}) < kWork;
}

void products(Bytes& bytes) {
  SignConv c{bytes.number(1, 3), bytes.number(1, 10), bytes.number(1, 10), bytes.number(1, 100), 1, {}};
  const int64_t simple = bytes.byte();
  auto& g = c.geometry;
  for (int64_t& k : g.kernel) k = simple & 1 ? 1 : bytes.number(1, 5);
  for (int64_t& s : g.stride) s = simple & 2 ? 1 : bytes.number(1, 3);
  for (int64_t& p : g.padding) p = simple & 4 ? 0 : bytes.number(0, 3);
  for (int64_t& d : g.dilation) d = simple & 8 ? 1 : bytes.number(1, 3);
  c.out_channels = bytes.number(1, 100);
  if (simple & 16) {
    g.groups = bytes.number(1, 4);
    if (simple & 32 && g.groups > 0 && g.groups <= 4) {
      c.in_channels = g.groups * 16 * (1 + bytes.below(3));
      c.out_channels = g.groups * (1 + bytes.below(20));
    }
  }
  bool allowed = true;
  try {
    xnorkit::check_sign_conv(c);
  } catch (const std::invalid_argument&) {
    allowed = false;
  }
  if (allowed && !affordable(c)) return;
  // What is refused must not be looked at.
  const int64_t pixels = allowed ? c.images * c.height * c.width : 0;
  const int64_t positions = allowed ? c.images * c.out_height() * c.out_width() : 0;
  const int64_t in = allowed ? c.in_channels : 0, out = allowed ? c.out_channels : 0;
  const int64_t group = allowed ? in / g.groups : 0, taps = allowed ? g.taps() : 0;
  const auto signs = words(pixels, in, bytes), inside = words(pixels, in, bytes);
  const auto weight = words(out * taps, group, bytes);
  const auto scale = floats(out, bytes), bias = floats(out, bytes), gradient = floats(positions * out, bytes);
  const uint32_t* between = bytes.below(2) != 0 ? inside.data() : nullptr;
  compare("sign_conv", [&](const std::string& isa, int threads, Results& results) {
    std::vector<float> y(gradient.size());
    xnorkit::sign_conv(c, signs.data(), weight.data(), scale.data(), bias.data(), y.data(), threads, isa);
    results.add(y);
  });
  compare("sign_conv_input_gradient", [&](const std::string& isa, int threads, Results& results) {
    std::vector<float> x(static_cast<size_t>(pixels * in));
    xnorkit::sign_conv_input_gradient(c, gradient.data(), weight.data(), scale.data(), between, x.data(), threads, isa);
    results.add(x);
  });
  compare("sign_conv_weight_gradient", [&](const std::string& isa, int threads, Results& results) {
    std::vector<float> w(static_cast<size_t>(out * taps * group));
    xnorkit::sign_conv_weight_gradient(c, gradient.data(), signs.data(), w.data(), threads, isa);
    results.add(w);
  });
}

void values(Bytes& bytes) {
  const int64_t pixels = bytes.below(10) == 0 ? 300 + bytes.byte() : bytes.below(70);
  const int64_t channels = bytes.below(100), n = pixels * channels;
  const auto x = floats(n, bytes), gradient = floats(n, bytes), mean = floats(channels, bytes);
  const auto inverse = floats(channels, bytes), weight = floats(channels, bytes);
  Values style = bytes.values();
  const float clip = bytes.below(2) != 0 ? 1.0f : style.real();
  const bool inside = bytes.below(2) != 0;
  compare("pack_signs", [&](const std::string& isa, int threads, Results& results) {
    std::vector<uint32_t> signs(static_cast<size_t>(pixels * ((channels + 31) / 32))), between(signs);
    uint32_t* second = inside ? between.data() : nullptr;
    xnorkit::pack_signs(x.data(), pixels, channels, clip, signs.data(), second, threads, isa);
    results.add(signs);
    results.add(between);
  });
  compare("norm", [&](const std::string& isa, int threads, Results& results) {
    std::vector<int8_t> kept(x.size());
    std::vector<float> to_x(x.size()), to_weight(weight.size()), to_bias(weight.size());
    xnorkit::norm_keep(x.data(), pixels, channels, mean.data(), inverse.data(), kept.data(), threads, isa);
    results.add(kept);
    xnorkit::norm_gradient(gradient.data(), kept.data(), pixels, channels, weight.data(), inverse.data(), to_x.data(),
                           to_weight.data(), to_bias.data(), threads, isa);
    results.add(to_x);
    results.add(to_weight);
    results.add(to_bias);
  });
  compare("relu", [&](const std::string& isa, int threads, Results& results) {
    std::vector<uint32_t> kept(static_cast<size_t>((n + 31) / 32));
    std::vector<float> to_x(x.size());
    xnorkit::relu_keep(x.data(), n, kept.data(), to_x.data(), threads, isa);
    results.add(kept);
    results.add(to_x);
    xnorkit::relu_gradient(gradient.data(), kept.data(), n, to_x.data(), threads, isa);
    results.add(to_x);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  if (bytes.below(3) != 0) {
    products(bytes);
  } else {
    values(bytes);
  }
  return 0;
}
