#include "xnorkit/program.h"

#include <algorithm>

#include "dispatch/table.h"
#include "program/arena.h"
#include "program/checks.h"
#include "program/images.h"
#include "program/step.h"
#include "program/threads.h"
#include "xnorkit/isa.h"

namespace xnorkit {
namespace {

// A batch is run in chunks: enough images to fill tiles, few enough that their values stay in the second-level cache.
constexpr int64_t kMaxChunk = 16;
constexpr size_t kChunkBytes = size_t{1} << 20;

// One value and the step that makes it; value 0, the input, has none.
struct Value {
  Shape shape;
  int source;
  std::unique_ptr<Step> step;
};

size_t value_bytes(const Shape& shape) { return 4 * static_cast<size_t>(shape.elements()); }

}  // namespace

struct Program::State {
  explicit State(const KernelTable& chosen) : kernels(chosen), isa(chosen.name) {}

  const KernelTable& kernels;
  std::string isa;
  bool input_is_bits = false;
  std::vector<float> uint8_table;
  std::vector<Value> values;

  bool finished = false;
  std::vector<int> outputs;
  std::vector<int> output_index;  // per value: its place in outputs, or -1
  std::vector<int> order;         // values to compute
  std::vector<size_t> offset;     // per value: bytes from the start of the arena, per image
  size_t arena_bytes = 0;
  int64_t chunk = 1;
  std::unique_ptr<Arenas> arenas;

  void require_building(const char* what) const {
    if (finished) fail(what, ": the program is finished; required: build everything before finish");
  }

  const Shape& value(const char* what, int id) const {
    const auto count = static_cast<int>(values.size());
    if (id < 0 || id >= count) fail(what, ": received value ", id, "; required an earlier value, 0 to ", count - 1);
    return values[id].shape;
  }

  // The shape of an operation's source, of the required kind.
  const Shape& source(const char* what, int id, Kind kind) const {
    require_building(what);
    const Shape& shape = value(what, id);
    if (shape.kind != kind) {
      fail(what, ": value ", id, " is ", kind_name(shape.kind), "; required ", kind_name(kind),
           kind == Kind::bits ? ". pack makes bits of f32" : "");
    }
    return shape;
  }

  int add(int source, const Shape& shape, std::unique_ptr<Step> step) {
    values.push_back({shape, source, std::move(step)});
    return static_cast<int>(values.size()) - 1;
  }

  // What the three binary convolutions share.
  BinaryConvSpec binary_conv(const char* what, int source_id, const Array<uint8_t>& weight, int64_t out_channels,
                             const Geometry& geometry, Kind kind) const {
    BinaryConvSpec spec;
    spec.input = source(what, source_id, Kind::bits);
    spec.geometry = geometry;
    spec.output = window_output(what, spec.input, geometry, kind, out_channels);
    const std::string name = what;
    checked_product((name + ": bits of a filter").c_str(),
                    {geometry.kernel[0], geometry.kernel[1], spec.input.channels}, kMaxFilter);
    checked_product((name + ": arranged weights").c_str(), {out_channels + 31, geometry.taps(), spec.input.words()},
                    kMaxElements);
    check_shape(name + ": weight", weight, {out_channels, spec.filter_bytes()});
    spec.weight = copy(weight);
    if (const int64_t used = spec.filter_bits() % 8; used != 0) {
      for (int64_t o = 0; o < out_channels; ++o) {
        if (spec.weight[(o + 1) * spec.filter_bytes() - 1] >> used) {
          fail(what, ": weight of filter ", o, " has bits beyond its ", spec.filter_bits(),
               "; required: padding bits 0");
        }
      }
    }
    return spec;
  }

  void plan();
};

Program::Program(const std::string& kind, int64_t height, int64_t width, int64_t channels, const std::string& isa)
    : state_(std::make_unique<State>(kernel_table(isa.empty() ? default_isa() : isa))) {
  if (kind != "image" && kind != "bits") fail("kind: received '", kind, "'; required 'image' or 'bits'");
  check_size("height", height);
  check_size("width", width);
  check_size("channels", channels);
  state_->input_is_bits = kind == "bits";
  const Shape shape{state_->input_is_bits ? Kind::bits : Kind::f32, height, width, channels};
  check_shape_size("input", shape);
  state_->add(-1, shape, nullptr);
}

Program::~Program() = default;
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;

void Program::set_uint8_table(const Array<float>& table) {
  state_->require_building("set_uint8_table");
  if (state_->input_is_bits) fail("set_uint8_table: the input is bits; required an input of kind 'image'");
  check_shape("set_uint8_table: table", table, {state_->values[0].shape.channels, 256});
  state_->uint8_table = copy_finite("set_uint8_table: table", table);
}

int Program::float_conv2d(int source, const Array<float>& weight, const Array<float>& bias, const Geometry& geometry,
                          bool relu) {
  const std::string what = "float_conv2d";
  FloatConvSpec spec;
  spec.input = state_->source(what.c_str(), source, Kind::f32);
  spec.geometry = geometry;
  spec.relu = relu;
  if (weight.shape.size() != 4) {
    fail(what, ": weight has shape ", shape_text(weight.shape), "; required (O, KH, KW, I)");
  }
  const int64_t out_channels = weight.shape[0];
  spec.output = window_output(what, spec.input, geometry, Kind::f32, out_channels);
  check_shape(what + ": weight", weight, {out_channels, geometry.kernel[0], geometry.kernel[1], spec.input.channels});
  checked_product((what + ": values of a filter").c_str(), {geometry.taps(), spec.input.channels}, kMaxFilter);
  checked_product((what + ": arranged weights").c_str(), {out_channels + 15, geometry.taps(), spec.input.channels},
                  kMaxElements);
  check_shape(what + ": bias", bias, {out_channels});
  spec.weight = copy_finite(what + ": weight", weight);
  spec.bias = copy_finite(what + ": bias", bias);
  const Shape output = spec.output;
  return state_->add(source, output, make_float_conv(state_->kernels, std::move(spec)));
}

int Program::pack(int source, const Array<float>& threshold, const Array<uint8_t>& flip) {
  PackSpec spec;
  spec.input = state_->source("pack", source, Kind::f32);
  spec.output = spec.input;
  spec.output.kind = Kind::bits;
  check_channel_shape("pack: threshold", threshold, spec.input);
  check_shape("pack: flip", flip, threshold.shape);
  spec.threshold = copy_ordered("pack: threshold", threshold);
  spec.flip = copy_flags("pack: flip", flip);
  const Shape output = spec.output;
  return state_->add(source, output, make_pack(state_->kernels, std::move(spec)));
}

int Program::max_pool_bits(int source, const Geometry& geometry, const Array<uint8_t>& falling) {
  const std::string what = "max_pool_bits";
  MaxPoolSpec spec;
  spec.input = state_->source(what.c_str(), source, Kind::bits);
  spec.geometry = geometry;
  spec.output = window_output(what, spec.input, geometry, Kind::bits, spec.input.channels);
  // With padding below the window's first step no window lies wholly outside.
  const bool inside = geometry.padding[0] < geometry.kernel[0] && geometry.padding[2] < geometry.kernel[0] &&
                      geometry.padding[1] < geometry.kernel[1] && geometry.padding[3] < geometry.kernel[1];
  if (!inside) {
    fail(what, ": padding is ", shape_text({geometry.padding.begin(), geometry.padding.end()}), " for a kernel of ",
         shape_text({geometry.kernel.begin(), geometry.kernel.end()}), "; required: padding smaller than the kernel");
  }
  check_shape(what + ": falling", falling, {spec.input.channels});
  spec.falling = copy_flags(what + ": falling", falling);
  const Shape output = spec.output;
  return state_->add(source, output, make_max_pool(state_->kernels, std::move(spec)));
}

int Program::binary_conv2d_bits(int source, const Array<uint8_t>& weight, int64_t out_channels,
                                const Geometry& geometry, const Array<int32_t>& threshold, const Array<uint8_t>& flip) {
  const std::string what = "binary_conv2d_bits";
  BinaryConvSpec spec = state_->binary_conv(what.c_str(), source, weight, out_channels, geometry, Kind::bits);
  spec.epilogue = kToBits;
  check_channel_shape(what + ": threshold", threshold, spec.output);
  check_shape(what + ": flip", flip, threshold.shape);
  spec.threshold = copy(threshold);
  spec.flip = copy_flags(what + ": flip", flip);
  const Shape output = spec.output;
  return state_->add(source, output, make_binary_conv(state_->kernels, std::move(spec)));
}

int Program::binary_conv2d_f32(int source, const Array<uint8_t>& weight, int64_t out_channels, const Geometry& geometry,
                               const Array<float>& scale, const Array<float>& bias, bool relu) {
  const std::string what = "binary_conv2d_f32";
  BinaryConvSpec spec = state_->binary_conv(what.c_str(), source, weight, out_channels, geometry, Kind::f32);
  spec.epilogue = kToF32;
  spec.relu = relu;
  check_shape(what + ": scale", scale, {out_channels});
  check_shape(what + ": bias", bias, {out_channels});
  spec.scale = copy_finite(what + ": scale", scale);
  spec.bias = copy_finite(what + ": bias", bias);
  const Shape output = spec.output;
  return state_->add(source, output, make_binary_conv(state_->kernels, std::move(spec)));
}

int Program::binary_conv2d_i32(int source, const Array<uint8_t>& weight, int64_t out_channels,
                               const Geometry& geometry) {
  BinaryConvSpec spec = state_->binary_conv("binary_conv2d_i32", source, weight, out_channels, geometry, Kind::i32);
  const Shape output = spec.output;
  return state_->add(source, output, make_binary_conv(state_->kernels, std::move(spec)));
}

void Program::finish(const std::vector<int>& outputs) {
  State& s = *state_;
  s.require_building("finish");
  if (outputs.empty()) fail("finish: received no outputs; required at least one value");
  std::vector<int> index(s.values.size(), -1);
  for (size_t i = 0; i < outputs.size(); ++i) {
    s.value("finish", outputs[i]);
    if (outputs[i] == 0) fail("finish: received value 0, the input itself; required computed values");
    if (index[outputs[i]] >= 0) fail("finish: received value ", outputs[i], " twice; required each output once");
    index[outputs[i]] = static_cast<int>(i);
  }
  s.outputs = outputs;
  s.output_index = std::move(index);
  s.plan();
  s.finished = true;
}

// Keeps the values that outputs depend on, and places those that are no output in the arena. A value is alive from the
// step that makes it to the last step that reads it; steps are numbered by the value they make, the input's is 0.
void Program::State::plan() {
  std::vector<bool> needed(values.size(), false);
  std::vector<int> last(values.size(), 0);
  for (int id = static_cast<int>(values.size()) - 1; id > 0; --id) {
    needed[id] = needed[id] || output_index[id] >= 0;
    if (!needed[id]) continue;
    needed[values[id].source] = true;
    last[values[id].source] = std::max(last[values[id].source], id);
  }
  std::vector<Lifetime> lives;
  for (int id = 0; id < static_cast<int>(values.size()); ++id) {
    const bool in_arena = needed[id] && output_index[id] < 0 && !(id == 0 && input_is_bits);
    lives.push_back({in_arena ? value_bytes(values[id].shape) : 0, id, in_arena ? last[id] : id});
    if (needed[id] && id > 0) order.push_back(id);
  }
  const Layout layout = place(lives);
  offset = layout.offset;
  arena_bytes = layout.bytes;
  const auto fitting = static_cast<int64_t>(kChunkBytes / std::max<size_t>(arena_bytes, 1));
  chunk = std::min(kMaxChunk, std::max<int64_t>(1, fitting));
  arenas = std::make_unique<Arenas>(arena_bytes * static_cast<size_t>(chunk));
}

Shape Program::info(int value) const { return state_->value("info", value); }
const std::string& Program::isa() const { return state_->isa; }
const std::vector<int>& Program::outputs() const { return state_->outputs; }
size_t Program::arena_bytes() const { return state_->arena_bytes; }

size_t Program::weight_bytes() const {
  size_t bytes = 0;
  for (const Value& value : state_->values) bytes += value.step ? value.step->resident_bytes() : 0;
  return bytes;
}

int64_t Program::check_input(const Input& input) const {
  const State& s = *state_;
  if (!s.finished) fail("run: the program is not finished; required: call finish first");
  const Shape& shape = s.values[0].shape;
  const bool is_bits = input.type == Input::Type::bits;
  if (is_bits != s.input_is_bits || (input.type == Input::Type::uint8 && s.uint8_table.empty())) {
    const char* names[] = {"float32", "uint8", "uint32"};
    fail("run: the input is ", names[static_cast<int>(input.type)], "; required ",
         s.input_is_bits         ? "uint32 words of bits"
         : s.uint8_table.empty() ? "float32 images (set_uint8_table allows uint8)"
                                 : "float32 or uint8 images");
  }
  const std::vector<int64_t> one = is_bits ? std::vector<int64_t>{shape.height, shape.width, shape.words()}
                                           : std::vector<int64_t>{shape.channels, shape.height, shape.width};
  if (input.shape.size() != 4 || !std::equal(one.begin(), one.end(), input.shape.begin() + 1)) {
    fail("run: the input has shape ", shape_text(input.shape), "; required (N, ", one[0], ", ", one[1], ", ", one[2],
         ")");
  }
  for (const int id : s.outputs) {
    checked_product("run: images", {input.shape[0], s.values[id].shape.elements(), 4}, int64_t{1} << 46);
  }
  return input.shape[0];
}

void Program::run(const Input& input, void* const* results, int threads) const {
  const State& s = *state_;
  const int64_t images = check_input(input);
  if (threads < 1 || threads > kMaxThreads) fail("run: threads is ", threads, "; required 1 to ", kMaxThreads);
  const Shape& shape = s.values[0].shape;
  if (s.input_is_bits) check_padding_bits(static_cast<const uint32_t*>(input.data), images, shape);

  Buffer arena = s.arenas->borrow();
  for (int64_t first = 0; first < images; first += s.chunk) {
    const int64_t count = std::min(s.chunk, images - first);
    const auto address = [&](int id) -> void* {
      const int output = s.output_index[id];
      if (output < 0) return arena.get() + s.offset[id] * static_cast<size_t>(count);
      return static_cast<std::byte*>(results[output]) + value_bytes(s.values[id].shape) * static_cast<size_t>(first);
    };
    if (!s.input_is_bits)
      read_images(input, shape, first, count, s.uint8_table, static_cast<float*>(address(0)), threads);
    for (const int id : s.order) {
      const int source = s.values[id].source;
      const bool from_input = source == 0 && s.input_is_bits;
      const void* from =
          from_input ? static_cast<const uint32_t*>(input.data) + first * shape.elements() : address(source);
      s.values[id].step->run(from, address(id), count, threads);
    }
  }
  s.arenas->give_back(std::move(arena));
}

}  // namespace xnorkit
