// Binary convolution: every instruction set against the reference, all three epilogues at once.
#include <limits>

#include "data.h"

namespace {

using typed::Program;
using xnorkit::Geometry;

struct Case {
  int64_t height, width, channels, out_channels;
  Geometry geometry;
  int64_t images = 1;
  std::vector<int> threads = {1};
};

std::string text(const Case& c) {
  const Geometry& g = c.geometry;
  std::string s;
  for (const int64_t v :
       {c.images, c.height, c.width, c.channels, c.out_channels, g.kernel[0], g.kernel[1], g.stride[0], g.stride[1],
        g.padding[0], g.padding[1], g.padding[2], g.padding[3], g.dilation[0], g.dilation[1], g.groups}) {
    s += std::to_string(v) + " ";
  }
  return s;
}

void check_case(const Case& c) {
  data::Random random(static_cast<uint32_t>(c.channels * 1000 + c.out_channels));
  const auto image = random.words(c.images * c.height * c.width, c.channels);
  const int64_t words = (c.channels + 31) / 32;
  const xnorkit::Input input{xnorkit::Input::Type::bits, image.data(), {c.images, c.height, c.width, words}};
  const int64_t o = c.out_channels;
  const int64_t k = c.geometry.taps() * c.channels / c.geometry.groups;
  const auto weight = random.filters(o, k);
  const auto weight_view = data::view(weight, {o, (k + 7) / 8});
  // Thresholds about as wide as the dot's spread, so that both bits occur, and ties.
  const auto reach = static_cast<int32_t>(1 + k / 16);
  const auto threshold = random.integers(o, reach);
  const auto flip = random.flags(o);
  const auto scale = random.rough_floats(o);
  const auto bias = random.rough_floats(o);
  data::check_isas(
      text(c), "bits", c.height, c.width, c.channels, input,
      [&](Program& program) {
        const int i32 = program.binary_conv2d_i32(0, weight_view, o, c.geometry);
        const int f32 =
            program.binary_conv2d_f32(0, weight_view, o, c.geometry, data::view(scale, {o}), data::view(bias, {o}));
        const int other =
            program.binary_conv2d_f32(0, weight_view, o, c.geometry, data::view(scale, {o}), data::view(bias, {o}));
        const int relu = program.clip(other, 0.0f, std::numeric_limits<float>::infinity());
        const int bits = program.binary_conv2d_bits(0, weight_view, o, c.geometry, data::view(threshold, {o}),
                                                    data::view(flip, {o}));
        const auto [kind, oh, ow, oc] = program.info(bits);
        data::Random more(7);
        const auto thresholds = more.integers(oh * ow * oc, reach);
        const auto flips = more.flags(oh * ow * oc);
        const int each = program.binary_conv2d_bits(0, weight_view, o, c.geometry, data::view(thresholds, {oh, ow, oc}),
                                                    data::view(flips, {oh, ow, oc}));
        program.finish({each, i32, bits, f32, relu});
      },
      c.threads);
}

void channel_grid() {
  const Geometry same{{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  for (const int64_t c : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130})
    for (const int64_t o : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 31, 32, 33, 63, 64, 65, 130}) check_case({3, 4, c, o, same});
}

// 1 to 18 pixels per group: every tile of 1 to 8, and groups split over tiles.
void tile_grid() {
  for (int64_t width = 1; width <= 18; ++width) {
    check_case({1, width, 40, 66, {{1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1}});
    check_case({2, width, 33, 96, {{1, 3}, {1, 1}, {0, 1, 0, 1}, {1, 1}, 1}});
  }
}

void geometry_grid() {
  for (const int64_t kernel : {1, 2, 3, 5, 7})
    for (const int64_t stride : {1, 2, 3})
      for (const int64_t dilation : {1, 2})
        for (const auto& padding : {std::array<int64_t, 4>{0, 0, 0, 0}, {1, 1, 1, 1}, {3, 0, 1, 2}, {0, 4, 3, 1}}) {
          if (dilation * (kernel - 1) + 1 > 7 + padding[0] + padding[2]) continue;
          if (dilation * (kernel - 1) + 1 > 8 + padding[1] + padding[3]) continue;
          check_case({7, 8, 20, 35, {{kernel, kernel}, {stride, stride}, padding, {dilation, dilation}, 1}, 2});
        }
  check_case({6, 9, 33, 5, {{2, 5}, {3, 1}, {1, 2, 0, 3}, {2, 1}, 1}});
  // The image is as wide as the valid taps but narrower than the kernel: rows follow each other in it, not in the
  // filter.
  check_case({5, 2, 33, 5, {{3, 5}, {1, 1}, {1, 2, 1, 2}, {1, 1}, 1}});
  // Padding wider than the kernel: pixels with no valid tap at all, alone and between others.
  check_case({2, 2, 33, 40, {{2, 2}, {1, 1}, {3, 3, 3, 3}, {1, 1}, 1}});
  check_case({1, 1, 33, 40, {{2, 2}, {1, 1}, {2, 2, 2, 2}, {3, 3}, 1}});
}

// The kernel is the whole image: one output pixel per image, tiles over the batch, chunks of the batch.
void linear_grid() {
  for (const int64_t images : {1, 2, 5, 16, 17, 33})
    for (const int64_t o : {10, 64, 100}) check_case({4, 4, 50, o, {{4, 4}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1}, images});
}

// Groups of whole words, which have blocks of their own; groups that share words and blocks; depthwise.
void group_grid() {
  for (const auto& [groups, in, out] : std::vector<std::array<int64_t, 3>>{{2, 64, 64},
                                                                           {2, 64, 128},
                                                                           {3, 96, 288},
                                                                           {4, 256, 128},
                                                                           {2, 64, 66},
                                                                           {2, 2, 2},
                                                                           {2, 100, 100},
                                                                           {3, 60, 33},
                                                                           {5, 100, 200},
                                                                           {7, 7, 14},
                                                                           {16, 48, 16},
                                                                           {33, 33, 33},
                                                                           {64, 64, 64},
                                                                           {65, 65, 130},
                                                                           {128, 128, 128},
                                                                           {130, 130, 130}}) {
    check_case({3, 4, in, out, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, groups}, 2});
    check_case({4, 5, in, out, {{1, 1}, {2, 2}, {0, 0, 0, 0}, {1, 1}, groups}});
    check_case({6, 6, in, out, {{5, 3}, {1, 2}, {2, 1, 2, 1}, {1, 1}, groups}});
  }
  // As wide as the image: rows follow each other in it, but not the words of one group.
  check_case({4, 3, 96, 96, {{3, 3}, {1, 1}, {1, 0, 1, 0}, {1, 1}, 3}});
}

// One filter per channel: words of a row in several vectors, channels that begin anew in and between them; few taps, nine,
// many, and more than are counted at once; strides and dilations whose columns lie apart; pixels without a valid tap.
void depthwise_grid() {
  for (const int64_t c : {2, 31, 32, 33, 64, 95, 96, 160, 512, 544}) {
    check_case({3, 7, c, c, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, c}, 2});
  }
  for (const int64_t width : {1, 2, 15, 16, 17, 40})
    check_case({2, width, 40, 40, {{2, 2}, {1, 1}, {1, 0, 0, 1}, {1, 1}, 40}});
  for (const int64_t kernel : {1, 2, 4, 5, 7, 11})
    for (const int64_t stride : {1, 2, 3})
      for (const int64_t dilation : {1, 2}) {
        check_case({9, 12, 70, 70, {{kernel, kernel}, {stride, stride}, {6, 5, 7, 6}, {dilation, dilation}, 70}});
      }
  check_case({9, 12, 40, 40, {{10, 13}, {1, 1}, {5, 6, 5, 6}, {1, 1}, 40}});
  check_case({12, 9, 40, 40, {{1, 3}, {2, 3}, {0, 2, 0, 2}, {1, 3}, 40}, 3});
  check_case({2, 2, 33, 33, {{2, 2}, {1, 1}, {3, 3, 3, 3}, {1, 1}, 33}});
  check_case({28, 28, 256, 256, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 256}, 3, {1, 2, 3}});
}

// Beyond 2^15, where 16-bit counts would overflow, in one run and in many.
void long_filters() {
  check_case({1, 1, 40000, 3, {{1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1}, 2});
  check_case({3, 3, 4100, 3, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1}});
  // Every bit of a pixel differs, or none: the largest counts that there are, beside the smallest ones.
  const int64_t k = 70016;
  const std::vector<uint8_t> weight(k / 8, 0);
  for (const std::string& isa : xnorkit::isas()) {
    Program program("bits", 1, 3, k, isa);
    program.finish({program.binary_conv2d_i32(0, data::view(weight, {1, k / 8}), 1, {})});
    for (uint32_t differing = 0; differing < 8; ++differing) {
      std::vector<uint32_t> image(3 * k / 32);
      for (size_t i = 0; i < image.size(); ++i) image[i] = (differing >> (i / (k / 32)) & 1) != 0 ? ~0u : 0;
      const auto dots = data::run(program, {xnorkit::Input::Type::bits, image.data(), {1, 1, 3, k / 32}}, 1)[0];
      for (int p = 0; p < 3; ++p) {
        CHECK(static_cast<int32_t>(dots[p]) == ((differing >> p & 1) != 0 ? -k : k), isa);
      }
    }
  }
}

// Large enough for the pool.
void threads() {
  const std::vector<int> counts = {1, 2, 3};
  check_case({14, 14, 128, 130, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, 5, counts});
  check_case({4, 4, 512, 500, {{4, 4}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1}, 17, counts});
}

}  // namespace

int main() {
  channel_grid();
  tile_grid();
  geometry_grid();
  linear_grid();
  group_grid();
  depthwise_grid();
  long_filters();
  threads();
  return check::finish();
}
