// Random graphs over all operations: every instruction set, fused and unfused, with several threads and batch sizes,
// returns the bits of the reference.
#include <limits>

#include "contract/activation.h"
#include "data.h"

namespace {

using typed::Program;
using xnorkit::Geometry;
using xnorkit::Input;
using xnorkit::Kind;
using xnorkit::Shape;

// Builds one random graph; the same seed gives the same one, whatever the instruction set.
class Builder {
 public:
  Builder(Program& program, uint32_t seed) : program_(program), random_(seed) {}

  // Values to return: the last one and some others.
  std::vector<int> build(int operations) {
    std::vector<int> made;
    while (static_cast<int>(made.size()) < operations) {
      const int count = made.empty() ? 1 : made.back() + 1;
      // Mostly the newest value, so that chains arise.
      const int source = static_cast<int>(random_.below(3) != 0 ? count - 1 : random_.below(count));
      const Kind kind = program_.info(source).kind;
      if (kind == Kind::u8) continue;
      const int id = kind == Kind::bits ? from_bits(source) : from_floats(source, count);
      if (id > 0) made.push_back(id);
    }
    std::vector<int> outputs{made.back()};
    for (const int id : made) {
      if (id != made.back() && random_.below(8) == 0) outputs.push_back(id);
    }
    return outputs;
  }

 private:
  Geometry window(const Shape& in) {
    const int64_t kernel = 1 + random_.below(std::min<int64_t>(3, std::min(in.height, in.width)));
    const int64_t stride = 1 + random_.below(2);
    const int64_t padding = random_.below(kernel);
    return {{kernel, kernel}, {stride, stride}, {padding, padding, padding, padding}, {1, 1}, 1};
  }

  int pack(int source) {
    const int64_t c = program_.info(source).channels;
    const auto threshold = random_.floats(c);
    const auto flip = random_.flags(c);
    return program_.pack(source, data::view(threshold, {c}), data::view(flip, {c}));
  }

  int from_bits(int source) {
    const Shape in = program_.info(source);
    const int64_t c = in.channels;
    const Geometry g = window(in);
    const int64_t o = 1 + random_.below(70);
    const int64_t k = g.taps() * c;
    switch (random_.below(9)) {
      case 0: {
        const auto falling = random_.flags(c);
        return program_.max_pool_bits(source, g, data::view(falling, {c}));
      }
      case 1: {
        const auto index = indices(c);
        return program_.gather_channels(source, data::view(index, {static_cast<int64_t>(index.size())}));
      }
      case 2: return program_.concat({source, source});
      case 3: return in.height > 12 ? -1 : program_.pad_bits(source, {random_.below(2), 1, 0, random_.below(3)});
      case 4: {
        const auto weight = random_.filters(o, k);
        const auto threshold = random_.integers(o, static_cast<int32_t>(1 + k / 16));
        const auto flip = random_.flags(o);
        return program_.binary_conv2d_bits(source, data::view(weight, {o, (k + 7) / 8}), o, g,
                                           data::view(threshold, {o}), data::view(flip, {o}));
      }
      default: {
        const auto weight = random_.filters(o, k);
        const auto scale = random_.rough_floats(o);
        const auto bias = random_.rough_floats(o);
        return program_.binary_conv2d_f32(source, data::view(weight, {o, (k + 7) / 8}), o, g, data::view(scale, {o}),
                                          data::view(bias, {o}));
      }
    }
  }

  std::vector<int32_t> indices(int64_t channels) {
    std::vector<int32_t> index(static_cast<size_t>(1 + random_.below(80)));
    for (int32_t& i : index) i = static_cast<int32_t>(random_.below(channels));
    return index;
  }

  int affine(int source, const Shape& in) {
    const bool each = random_.below(6) == 0;
    const std::vector<int64_t> shape =
        each ? std::vector<int64_t>{in.height, in.width, in.channels} : std::vector<int64_t>{in.channels};
    const auto scale = random_.rough_floats(each ? in.elements() : in.channels);
    const auto bias = random_.rough_floats(each ? in.elements() : in.channels);
    const auto scales = data::view(scale, shape);
    const auto biases = data::view(bias, shape);
    const int64_t which = random_.below(3);
    return program_.affine(source, which == 1 ? nullptr : &scales, which == 2 ? nullptr : &biases);
  }

  // Adds or multiplies a value of fitting shape, either way round, or the pixel means or channel means of the source.
  int two_values(int source, const Shape& in, int count) {
    int other = -1;
    for (int id = count - 1; id >= 0; --id) {
      const Shape shape = program_.info(id);
      if (shape.kind == Kind::f32 && id != source && shape.height == in.height && shape.width == in.width &&
          shape.channels == in.channels) {
        other = id;
        break;
      }
    }
    const int64_t which = random_.below(4);
    if (which == 0) other = program_.k_map(source, {});
    if (which == 1) other = program_.global_avg_pool(source);
    if (other < 0) return -1;
    const bool swapped = which > 1 && random_.below(2) == 0;
    const int a = swapped ? other : source;
    const int b = swapped ? source : other;
    // Products of products grow; one is enough to see their order.
    return random_.below(4) == 0 ? program_.multiply(a, b) : program_.add(a, b);
  }

  int from_floats(int source, int count) {
    const Shape in = program_.info(source);
    const int64_t c = in.channels;
    switch (random_.below(22)) {
      case 0: return program_.max_pool(source, window(in));
      case 1: return program_.avg_pool(source, window(in), random_.below(2) == 0, random_.below(2) == 0);
      case 2: {
        const auto index = indices(c);
        return program_.gather_channels(source, data::view(index, {static_cast<int64_t>(index.size())}));
      }
      case 3: return c > 100 ? -1 : program_.concat({source, source});
      case 4: return in.height > 12 ? -1 : program_.pad(source, {1, 0, 0, 2}, random_.below(2), random_.below(2));
      case 5: {
        const xnorkit::ActivationFunction* f = xnorkit::kActivations;
        int64_t count = 0;
        while (f[count].name != nullptr) ++count;
        return program_.activation(source, f[random_.below(count)].name);
      }
      case 6: {
        const Geometry g = window(in);
        const int64_t o = 1 + random_.below(40);
        const auto weight = random_.rough_floats(o * g.taps() * c);
        const auto bias = random_.rough_floats(o);
        return program_.float_conv2d(source, data::view(weight, {o, g.kernel[0], g.kernel[1], c}),
                                     data::view(bias, {o}), g);
      }
      case 7: {
        const float low = static_cast<float>(random_.below(3)) - 2.0f;
        return program_.clip(source, low, random_.below(2) == 0 ? std::numeric_limits<float>::infinity() : low + 3.0f);
      }
      case 8: {
        const auto slope = random_.rough_floats(c);
        return program_.prelu(source, data::view(slope, {c}));
      }
      case 9:
      case 10: return affine(source, in);
      case 11:
      case 12:
      case 13: return two_values(source, in, count);
      case 14: return integers(source, in);
      case 15: return binary_weights(source, in);
      default: return pack(source);
    }
  }

  int integers(int source, const Shape& in) {
    const Geometry g = window(in);
    const int64_t o = 1 + random_.below(40);
    const auto weight = random_.integers(o * g.taps() * in.channels, 127);
    const std::vector<int8_t> narrow(weight.begin(), weight.end());
    const std::vector<uint8_t> zero_point(in.channels, 100);
    const auto bias = random_.integers(o, 1000);
    const auto scale = random_.rough_floats(o);
    return program_.int8_conv2d_f32(
        program_.quantize_u8(source, 0.02f, 100), data::view(narrow, {o, g.kernel[0], g.kernel[1], in.channels}),
        data::view(zero_point, {in.channels}), data::view(bias, {o}), g, data::view(scale, {o}));
  }

  int binary_weights(int source, const Shape& in) {
    const Geometry g = window(in);
    const int64_t o = 1 + random_.below(40);
    const int64_t k = g.taps() * in.channels;
    const auto weight = random_.filters(o, k);
    const auto scale = random_.rough_floats(o);
    const auto bias = random_.rough_floats(o);
    return program_.binary_weight_conv2d(source, data::view(weight, {o, (k + 7) / 8}), o, g, data::view(scale, {o}),
                                         data::view(bias, {o}));
  }

  Program& program_;
  data::Random random_;
};

// What was joined in all graphs, so that the comparison is known to compare.
struct Joined {
  size_t unfused = 0;
  size_t fused = 0;
  size_t with_bits = 0;  // steps that give floats and bits
};

void count(const Program& program, bool fuse, Joined& joined) {
  for (const xnorkit::StepInfo& step : program.steps()) {
    ++(fuse ? joined.fused : joined.unfused);
    joined.with_bits += step.operations.size() > 1 && step.operations.back() == "pack" && step.shape.kind == Kind::f32;
  }
}

#ifdef __SANITIZE_THREAD__
const std::vector<int> kThreads = {2};  // one thread does not race
#else
const std::vector<int> kThreads = {1, 2};
#endif

void check_graph(uint32_t seed, Joined& joined) {
  data::Random random(seed);
  const int64_t channels = 1 + random.below(70);
  const int64_t height = 3 + random.below(8);
  const int64_t width = 3 + random.below(8);
  const int operations = static_cast<int>(4 + random.below(16));
  const auto make = [&](const std::string& isa, bool fuse) {
    Program program("f32", height, width, channels, isa);
    program.finish(Builder(program, seed).build(operations), fuse);
    return program;
  };
  const Program reference = make("reference", true);
  for (const int64_t images : {1, 3, 17}) {
    const auto values = random.rough_floats(images * height * width * channels);
    const Input input{Input::Type::float32, values.data(), {images, height, width, channels}};
    const data::Outputs expected = data::run(reference, input, 1);
    for (const std::string& isa : xnorkit::isas()) {
      if (isa == "reference") continue;
      for (const bool fuse : {false, true}) {
        const Program program = make(isa, fuse);
        if (images == 1 && isa == "portable") count(program, fuse, joined);
        for (const int threads : kThreads) {
          CHECK(data::run(program, input, threads) == expected,
                isa + (fuse ? ", fused, seed " : ", unfused, seed ") + std::to_string(seed) + ", threads " +
                    std::to_string(threads) + ", images " + std::to_string(images));
        }
      }
    }
  }
}

// Windows far larger than the image: taps outside of it must cost nothing, nor in the reference. All windows together
// have more taps than 64 bits count.
void large_windows() {
  constexpr int64_t kernel = int64_t{1} << 24, padding = kernel - 1;
  const Geometry g{{kernel, kernel}, {kernel, kernel}, {padding, padding, padding, padding}, {1, 1}, 1};
  constexpr int64_t channels = 9000;
  data::Random random(1);
  const auto values = random.rough_floats(5 * 6 * channels);
  const auto falling = random.flags(channels);
  const Input floats{Input::Type::float32, values.data(), {1, 5, 6, channels}};
  data::check_isas("large windows", "f32", 5, 6, channels, floats, [&](Program& program) {
    const std::vector<float> threshold(channels, 0.0f);
    const std::vector<uint8_t> flip(channels, 0);
    const int bits = program.pack(0, data::view(threshold, {channels}), data::view(flip, {channels}));
    program.finish({program.max_pool(0, g), program.avg_pool(0, g, true, true), program.avg_pool(0, g, false, false),
                    program.max_pool_bits(bits, g, data::view(falling, {channels}))});
  });
}

}  // namespace

int main() {
  large_windows();
  Joined joined;
  for (uint32_t seed = 0; seed < 150; ++seed) check_graph(seed, joined);
  CHECK(joined.fused * 100 < joined.unfused * 95,
        std::to_string(joined.fused) + " of " + std::to_string(joined.unfused));
  CHECK(joined.with_bits >= 8, std::to_string(joined.with_bits));
  return check::finish();
}
