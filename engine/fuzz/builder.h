// Makes the calls of Program::add that a fuzzer's bytes ask for: all operations, attributes of any size, arrays of
// wrong sizes, values of wrong kinds. Work and memory are bounded as the reader of files bounds them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "../tests/typed_program.h"
#include "contract/activation.h"
#include "fuzz.h"

namespace fuzz {

using typed::Program;
using xnorkit::Array;
using xnorkit::Geometry;
using xnorkit::Kind;
using xnorkit::Shape;

constexpr double kWork = 1 << 15;  // of all operations of a program for one image, about a multiply-add each
constexpr int64_t kMaxSide = 1 << 12;
constexpr int kMaxCalls = 14;

// Makes the calls that the bytes ask for; the same ones whatever the instruction set.
class Builder {
 public:
  Builder(Program& program, Bytes& bytes) : program_(program), bytes_(bytes) {}

  // What was refused, call by call.
  std::string log;

  void build(bool fuse) {
    for (int call = 0; call < kMaxCalls && bytes_.left() > 0; ++call) {
      attempt([&] {
        if (this->call(bytes_.below(31)) >= 0) ++count_;
      });
    }
    std::vector<int> outputs;
    for (int64_t i = bytes_.below(4); i > 0; --i) outputs.push_back(any_value());
    if (!attempt([&] { program_.finish(outputs, fuse); }) && count_ > 1) {
      attempt([&] { program_.finish({count_ - 1}, fuse); });
    }
  }

 private:
  template <class Body>
  bool attempt(const Body& body) {
    try {
      body();
    } catch (const std::invalid_argument& error) {
      log += std::string(error.what()) + "\n";
      return false;
    }
    return true;
  }

  int any_value() {
    const int64_t b = bytes_.byte();
    if (b >= 250) return b == 255 ? std::numeric_limits<int>::max() : static_cast<int>(b) - 251 + count_;
    return count_ > 1 ? static_cast<int>(1 + b % (count_ - 1)) : 0;
  }

  // Mostly the newest value of a kind, sometimes another one, sometimes none.
  int source(Kind kind) {
    const int64_t b = bytes_.byte();
    if (b >= 244) {
      const int id = any_value();
      if (id >= 0 && id < count_) in_ = program_.info(id);
      return id;
    }
    std::vector<int> fitting;
    for (int id = count_ - 1; id >= 0; --id) {
      if (program_.info(id).kind == kind) fitting.push_back(id);
    }
    if (fitting.empty()) {
      in_ = program_.info(count_ - 1);
      return count_ - 1;
    }
    const size_t place = b < 128 ? 0 : static_cast<size_t>(b) % fitting.size();
    in_ = program_.info(fitting[place]);
    return fitting[place];
  }

  Geometry geometry(int64_t usual_groups) {
    Geometry g;
    const int64_t simple = bytes_.byte();  // a bit for each attribute that is as it is by default
    for (int64_t& k : g.kernel) k = simple & 1 ? 1 : bytes_.number(1, 5);
    for (int64_t& s : g.stride) s = simple & 2 ? 1 : bytes_.number(1, 3);
    for (int64_t& p : g.padding) p = simple & 4 ? 0 : bytes_.number(0, 3);
    for (int64_t& d : g.dilation) d = simple & 8 ? 1 : bytes_.number(1, 3);
    if (!(simple & 16)) g.groups = simple & 32 ? in_.channels : bytes_.number(1, usual_groups);
    return g;
  }

  int64_t out_channels(const Geometry& g) {
    const int64_t b = bytes_.byte();
    if (b < 64 || g.groups < 1 || g.groups > kMaxSide) return bytes_.number(1, 140);
    return b < 128 ? in_.channels : g.groups * (1 + b % 5);
  }

  // Takes work from what is left; a call that would need more is not made.
  bool affordable(double work) {
    if (work > work_) return false;
    work_ -= work;
    return true;
  }

  // The same for a window, as the reader of files bounds it. What the builder must refuse costs nothing.
  bool affordable(const Geometry& g, double out, bool layer) {
    double positions = 1, padded = 1, taps = 1;
    for (int axis = 0; axis < 2; ++axis) {
      const auto size = static_cast<double>(axis == 0 ? in_.height : in_.width);
      const auto kernel = static_cast<double>(g.kernel[axis]), stride = static_cast<double>(g.stride[axis]);
      const auto dilation = static_cast<double>(g.dilation[axis]);
      const double before = static_cast<double>(g.padding[axis]), after = static_cast<double>(g.padding[axis + 2]);
      const double most = 1 << 24;
      if (std::min({kernel, stride, dilation, before + 1, after + 1, out}) < 1) return true;
      if (std::max({kernel, stride, dilation, before, after, out}) > most) return true;
      const double length = std::floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1;
      if (length < 1) return true;
      positions *= length + 1;  // a pool may round up
      padded *= size + before + after;
      taps *= layer ? kernel : std::min(kernel, std::ceil(size / dilation));
    }
    const auto in = static_cast<double>(in_.channels);
    const double each = layer ? in / static_cast<double>(std::max<int64_t>(g.groups, 1)) * out : in;
    return affordable(positions * (20 + out + taps * each) + (layer ? padded * in : 0));
  }

  // Bits of filters, (O, KH * KW * I / groups), whose padding bits are 0 but for one seed.
  Owned<uint8_t> filters(int64_t out, const Geometry& g) {
    double bits = static_cast<double>(in_.channels) / static_cast<double>(g.groups == 0 ? 1 : g.groups);
    bits *= static_cast<double>(g.kernel[0]) * static_cast<double>(g.kernel[1]);
    const bool wrong = bytes_.byte() == 255;
    const int64_t whole = bits >= 1 && bits < 8 * kMaxArray ? static_cast<int64_t>(bits) : 1;
    Owned<uint8_t> weight = bytes_.array<uint8_t>({out, (whole + 7) / 8}, [](Values& v) { return v.next(); });
    const size_t width = static_cast<size_t>((whole + 7) / 8);
    for (size_t i = width; !wrong && whole % 8 != 0 && i <= weight.values.size(); i += width) {
      weight.values[i - 1] &= static_cast<uint8_t>((1 << whole % 8) - 1);
    }
    return weight;
  }

  // (C,) or, per position, (H, W, C); of a window the output's size is guessed, mostly well.
  std::vector<int64_t> per_channel(int64_t channels, const Geometry& g) {
    if (bytes_.below(4) != 0) return {channels};
    std::vector<int64_t> shape{in_.height, in_.width, channels};
    for (size_t i = 0; i < 2; ++i) {
      for (const int64_t v : {g.kernel[i], g.stride[i], g.padding[i], g.padding[i + 2], g.dilation[i]}) {
        if (v < 0 || v > kMaxSide) return {channels};
      }
      const int64_t room = shape[i] + g.padding[i] + g.padding[i + 2] - g.dilation[i] * (g.kernel[i] - 1) - 1;
      shape[i] = room / std::max<int64_t>(g.stride[i], 1) + 1;
    }
    return shape;
  }

  // Returns the new value, or -1 where the call would cost too much.
  int call(int64_t which) {
    if (which < 6) return binary_conv(which);
    if (which < 9) return int8_conv(which - 6);
    if (which < 14) return float_window(which - 9);
    switch (which) {
      case 14: {
        const int id = source(Kind::bits);
        const Geometry g = geometry(1);
        return affordable(g, static_cast<double>(in_.words()), false)
                   ? program_.max_pool_bits(id, g, bytes_.flags({in_.channels}))
                   : -1;
      }
      case 15: return arrange(source(Kind::bits), true);
      case 16: return arrange(source(Kind::f32), false);
      case 17:
      case 18: {
        const Kind kind = which == 17 ? Kind::bits : Kind::f32;
        std::vector<int> ids;
        double work = 0;
        for (int64_t i = bytes_.below(5); i > 0; --i, work += static_cast<double>(in_.elements())) {
          ids.push_back(source(kind));
        }
        return affordable(4 * work) ? program_.concat(ids) : -1;
      }
      case 19:
      case 20: {
        const int id = source(which == 19 ? Kind::bits : Kind::f32);
        const int64_t most = in_.channels - (bytes_.byte() == 255 ? 0 : 1), length = bytes_.number(1, 150);
        const auto index = bytes_.array<int32_t>({length}, [=](Values& v) { return v.next() % (most + 1); });
        return affordable(2.0 * static_cast<double>(in_.pixels() * std::max<int64_t>(index.shape[0], 0)))
                   ? program_.gather_channels(id, index)
                   : -1;
      }
      default: break;
    }
    const int id = source(Kind::f32);
    if (!affordable(static_cast<double>(in_.elements()) * (which == 21 ? 20 : 2))) return -1;
    const std::vector<int64_t> shape = per_channel(in_.channels, {});
    switch (which) {
      case 21: {
        // One of the functions, or at the end of their list none.
        const xnorkit::ActivationFunction* f = xnorkit::kActivations;
        for (int64_t i = bytes_.below(16); i > 0 && f->name != nullptr; --i) ++f;
        return program_.activation(id, f->name == nullptr ? "relu" : f->name);
      }
      case 22: return program_.add(id, source(Kind::f32));
      case 23: return program_.multiply(id, source(Kind::f32));
      case 24: {
        const Owned<float> scale = bytes_.floats(shape), bias = bytes_.floats(shape);
        const Array<float> a = scale, b = bias;
        const int64_t kept = bytes_.byte();
        return program_.affine(id, kept & 1 ? nullptr : &a, kept & 2 ? nullptr : &b);
      }
      case 25: {
        Values values = bytes_.values();
        const float low = bytes_.below(2) ? 0.0f : values.real();
        return program_.clip(id, low, bytes_.below(2) ? std::numeric_limits<float>::infinity() : values.real());
      }
      case 26: return program_.prelu(id, bytes_.floats({in_.channels}));
      case 27: return program_.global_avg_pool(id);
      case 28: {
        Values values = bytes_.values();
        const float step = bytes_.below(2) ? 0.02f : values.real();
        return program_.quantize_u8(id, step, bytes_.number(0, 255));
      }
      case 29: return program_.planes(id);
      default: {
        const Owned<float> threshold = bytes_.floats(shape);
        return program_.pack(id, threshold, bytes_.flags(shape));
      }
    }
  }

  int arrange(int id, bool bits) {
    std::array<int64_t, 4> padding;
    for (int64_t& p : padding) p = bytes_.number(0, 3);
    const int64_t before = bits ? 0 : bytes_.number(0, 3), after = bits ? 0 : bytes_.number(0, 3);
    double height = static_cast<double>(in_.height), width = static_cast<double>(in_.width);
    height += static_cast<double>(padding[0]) + static_cast<double>(padding[2]);
    width += static_cast<double>(padding[1]) + static_cast<double>(padding[3]);
    double channels = static_cast<double>(in_.channels);
    channels += static_cast<double>(before) + static_cast<double>(after);
    const bool refused = std::max({height, width, channels}) > (1 << 24) || std::min({height, width, channels}) < 1;
    if (!refused && !affordable(2 * height * width * channels)) return -1;
    return bits ? program_.pad_bits(id, padding) : program_.pad(id, padding, before, after);
  }

  int binary_conv(int64_t which) {
    const int id = source(which < 5 ? Kind::bits : Kind::f32);
    const Geometry g = geometry(8);
    const int64_t out = out_channels(g);
    if (!affordable(g, static_cast<double>(out), true)) return -1;
    const Owned<uint8_t> weight = filters(out, g);
    if (which < 2) {
      const std::vector<int64_t> shape = per_channel(out, g);
      const auto threshold = bytes_.integers<int32_t>(shape, bytes_.below(8) == 0 ? uint64_t{1} << 31 : 64);
      return program_.binary_conv2d_bits(id, weight, out, g, threshold, bytes_.flags(shape));
    }
    if (which == 4) return program_.binary_conv2d_i32(id, weight, out, g);
    const Owned<float> scale = bytes_.floats({out}), bias = bytes_.floats({out});
    return which < 4 ? program_.binary_conv2d_f32(id, weight, out, g, scale, bias)
                     : program_.binary_weight_conv2d(id, weight, out, g, scale, bias);
  }

  int int8_conv(int64_t which) {
    const int id = source(Kind::u8);
    const Geometry g = geometry(8);
    const int64_t out = out_channels(g);
    if (!affordable(g, static_cast<double>(out), true)) return -1;
    const int64_t group = in_.channels / (g.groups == 0 || g.groups == -1 ? 1 : g.groups);
    const auto weight = bytes_.integers<int8_t>({out, g.kernel[0], g.kernel[1], group}, 127);
    const auto zero = bytes_.array<uint8_t>({in_.channels}, [](Values& v) { return v.next(); });
    const auto bias = bytes_.integers<int32_t>({out}, bytes_.below(16) == 0 ? uint64_t{1} << 31 : 1000);
    if (which == 0) return program_.int8_conv2d_i32(id, weight, zero, bias, g);
    if (which == 1) return program_.int8_conv2d_f32(id, weight, zero, bias, g, bytes_.floats({out}));
    const std::vector<int64_t> shape = per_channel(out, g);
    const auto threshold = bytes_.integers<int32_t>(shape, bytes_.below(8) == 0 ? uint64_t{1} << 31 : 20000);
    return program_.int8_conv2d_bits(id, weight, zero, bias, g, threshold, bytes_.flags(shape));
  }

  int float_window(int64_t which) {
    const int id = source(Kind::f32);
    const Geometry g = geometry(which < 2 ? 8 : 1);
    const int64_t out = which < 2 ? out_channels(g) : which == 4 ? 1 : in_.channels;
    if (!affordable(g, static_cast<double>(out), which < 2 || which == 4)) return -1;
    if (which == 2) return program_.max_pool(id, g);
    if (which == 3) return program_.avg_pool(id, g, bytes_.below(2), bytes_.below(2));
    if (which == 4) return program_.k_map(id, g);
    const int64_t group = in_.channels / (g.groups == 0 || g.groups == -1 ? 1 : g.groups);
    const Owned<float> weight = bytes_.floats({out, g.kernel[0], g.kernel[1], group});
    return program_.float_conv2d(id, weight, bytes_.floats({out}), g);
  }

  Program& program_;
  Bytes& bytes_;
  Shape in_{Kind::f32, 1, 1, 1};  // of the last source
  int count_ = 1;                 // values
  double work_ = kWork;
};

}  // namespace fuzz
