// A float convolution with its pool in one step: every instruction set, number of threads and size of ring returns the
// bits of the two references in a row; the planner joins them where the value between is large.
#include <limits>

#include "data.h"
#include "dispatch/table.h"
#include "layout/bands.h"
#include "steps/step.h"

namespace {

using namespace xnorkit;
using typed::Program;

constexpr int64_t kImages = 2;

struct Window {
  int64_t kernel;
  int64_t stride;
  int64_t padding;
  int64_t dilation = 1;

  Geometry geometry() const {
    return {{kernel, kernel}, {stride, stride}, {padding, padding, padding, padding}, {dilation, dilation}, 1};
  }

  int64_t outputs(int64_t size) const { return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1; }
};

PooledConvSpec make_spec(int64_t height, int64_t width, int64_t o, const Window& conv, const Window& pool,
                         data::Random& random) {
  PooledConvSpec spec;
  spec.conv.input = {Kind::f32, height, width, 3};
  spec.conv.output = {Kind::f32, conv.outputs(height), conv.outputs(width), o};
  spec.conv.geometry = conv.geometry();
  spec.conv.weight = random.rough_floats(o * spec.conv.filter_values());
  spec.conv.bias = random.rough_floats(o);
  spec.conv.tail.list = {{kClip, {}, -3.0f, 4.0f}, {kScale, random.rough_floats(o)}};
  spec.pool.input = spec.conv.output;
  spec.pool.geometry = pool.geometry();
  spec.output = {Kind::f32, pool.outputs(spec.conv.output.height), pool.outputs(spec.conv.output.width), o};
  spec.pool.output = spec.output;
  spec.after.threshold = random.rough_floats(o);
  spec.after.flip = random.flags(o);
  return spec;
}

// Floats where they are stored, and bits. The step finds NaN in its scratch.
data::Outputs run(const std::string& isa, const PooledConvSpec& spec, const std::vector<float>& image, int threads) {
  data::Outputs outputs(2);
  outputs[0].assign(kImages * spec.output.elements(), 0xdeadbeefu);
  outputs[1].assign(kImages * spec.output.pixels() * spec.output.words(), 0xdeadbeefu);
  const void* const sources[] = {image.data()};
  void* const results[] = {spec.after.store ? outputs[0].data() : nullptr, outputs[1].data()};
  const auto step = make_step(kernel_table(isa), spec);
  std::vector<uint32_t> scratch(step->scratch_bytes() / 4, 0xffffffffu);
  step->run({sources, results, scratch.data()}, kImages, threads);
  return outputs;
}

void check_case(int64_t height, int64_t width, int64_t o, const Window& conv, const Window& pool) {
  if (conv.outputs(height) < 1 || conv.outputs(width) < 1) return;
  if (pool.outputs(conv.outputs(height)) < 1 || pool.outputs(conv.outputs(width)) < 1) return;
  data::Random random(static_cast<uint32_t>(height * 100 + o));
  PooledConvSpec spec = make_spec(height, width, o, conv, pool, random);
  const auto image = random.rough_floats(kImages * spec.conv.input.elements());
  for (const auto reduction : {PoolSpec::Reduction::max, PoolSpec::Reduction::average}) {
    // A pool of valid taps only has no sum where dilated taps all lie outside: 0 / 0.
    if (reduction == PoolSpec::Reduction::average && pool.dilation != 1) continue;
    spec.pool.reduction = reduction;
    for (const auto& [store, bits] : {std::array<bool, 2>{true, false}, {false, true}, {true, true}}) {
      spec.after.store = store;
      spec.after.bits = bits;
      const data::Outputs expected = run("reference", spec, image, 1);
      for (const int64_t rows : {1, 4, 100}) {
        spec.ring_bytes = rows * 4 * spec.conv.output.width * o;
        for (const std::string& isa : isas()) {
          for (const int threads : {1, 3}) {
            CHECK(run(isa, spec, image, threads) == expected,
                  isa + ": " + std::to_string(height) + "x" + std::to_string(width) + " to " + std::to_string(o) +
                      ", pool " + std::to_string(pool.kernel) + "/" + std::to_string(pool.stride) + ", ring " +
                      std::to_string(rows) + ", threads " + std::to_string(threads));
          }
        }
      }
    }
  }
}

// Every row that a window reads was computed in its band or before, once, and is still in the ring.
void check_bands(int64_t height, const Window& window) {
  if (window.outputs(height) < 1) return;
  PoolSpec pool;
  pool.input = {Kind::f32, height, 1, 1};
  pool.output = {Kind::f32, window.outputs(height), 1, 1};
  pool.geometry = window.geometry();
  for (const int64_t band_rows : {1, 2, 5}) {
    const Bands bands = make_bands(pool, band_rows);
    std::vector<int64_t> ring(static_cast<size_t>(bands.ring_rows), -1);
    const std::string what = std::to_string(height) + " rows, pool " + std::to_string(window.kernel) + "/" +
                             std::to_string(window.stride) + ", bands of " + std::to_string(band_rows);
    int64_t pooled = 0;
    int64_t computed = 0;
    for (size_t b = 0; b < bands.list.size(); ++b) {
      const Band& band = bands.list[b];
      CHECK(band.pool.begin == pooled && band.source.begin >= computed, what);
      pooled = band.pool.end;
      computed = band.source.end;
      for (int64_t y = band.source.begin; y < band.source.end; ++y) ring[y % bands.ring_rows] = y;
      // The next band is computed while this one is pooled.
      if (b + 1 < bands.list.size()) {
        const Rows next = bands.list[b + 1].source;
        for (int64_t y = next.begin; y < next.end; ++y) ring[y % bands.ring_rows] = y;
      }
      for (int64_t oy = band.pool.begin; oy < band.pool.end; ++oy) {
        for (int64_t k = 0; k < window.kernel; ++k) {
          const int64_t y = oy * window.stride - window.padding + k * window.dilation;
          if (y >= 0 && y < height) CHECK(ring[y % bands.ring_rows] == y, what);
        }
      }
    }
    CHECK(pooled == pool.output.height, what);
  }
}

void build_network(Program& program) {
  data::Random random(5);
  const auto weight = random.rough_floats(40 * 9 * 3);
  const auto bias = random.rough_floats(40);
  const int conv =
      program.float_conv2d(0, data::view(weight, {40, 3, 3, 3}), data::view(bias, {40}), Window{3, 1, 1}.geometry());
  const int relu = program.clip(conv, 0.0f, std::numeric_limits<float>::infinity());
  const int pooled = program.max_pool(relu, Window{3, 2, 1}.geometry());
  const auto threshold = random.floats(40);
  const auto flip = random.flags(40);
  const int bits = program.pack(pooled, data::view(threshold, {40}), data::view(flip, {40}));
  const auto filters = random.filters(40, 9 * 40);
  const int binary = program.binary_conv2d_f32(bits, data::view(filters, {40, 45}), 40, Window{3, 1, 1}.geometry(),
                                               data::view(bias, {40}), data::view(bias, {40}));
  program.finish({program.add(binary, pooled)});
}

void check_network() {
  constexpr int64_t kHeight = 70;
  constexpr int64_t kWidth = 80;
  data::Random random(6);
  const auto image = random.rough_floats(3 * 3 * kHeight * kWidth);
  for (const int64_t images : {1, 3}) {
    const Input input{Input::Type::float32, image.data(), {images, 3, kHeight, kWidth}};
    data::check_isas("network", "image", kHeight, kWidth, 3, input, build_network, {1, 2});
  }
  Program program("image", kHeight, kWidth, 3);
  build_network(program);
  const std::vector<StepInfo> steps = program.steps();
  CHECK(steps.size() == 3, std::to_string(steps.size()));
  CHECK((steps[1].operations == std::vector<std::string>{"float_conv2d", "clip", "max_pool", "pack"}), "joined");
  CHECK(program.arena_bytes() < 4 * kHeight * kWidth * 40, "the value before the pool is never whole");
}

}  // namespace

int main() {
  const Window pools[] = {{3, 2, 1}, {2, 2, 0}, {3, 2, 0}, {3, 1, 1}, {2, 3, 0}, {1, 1, 0}, {5, 2, 2}, {2, 1, 1, 3}};
  for (const Window& pool : pools) {
    for (int64_t height = 1; height <= 20; ++height) check_bands(height, pool);
    for (const int64_t height : {1, 2, 7, 12}) check_case(height, 6, 33, {3, 1, 1}, pool);
    check_case(11, 13, 5, {5, 2, 2}, pool);
  }
  for (const int64_t o : {1, 16, 64, 70}) check_case(9, 14, o, {7, 2, 3}, pools[0]);
  check_network();
  return check::finish();
}
