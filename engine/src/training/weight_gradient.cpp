// dC/db: for each filter, tables of its rounded gradient over groups of output positions give all (tap, channel) lanes,
// whose index is the sign bits under the positions' taps. Positions run over all images; filters run in parallel.
//
// The signs are copied into images with a border of zeros, so that every tap reads something: a border bit counts as +1.
// What it adds, the sum of a filter's integers over the positions whose tap lies outside, is taken off at the end.
#include <algorithm>
#include <cstring>
#include <vector>

#include "dispatch/sum_table.h"
#include "reference/sign_gradients.h"
#include "spec/sums.h"
#include "threads/openmp_threads.h"
#include "threads/scratch_list.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

constexpr int64_t kIndexBytes = 1 << 20;   // of the positions that are worked on at once: they stay in the cache
constexpr int64_t kTableBytes = 24 << 10;  // of four filters: they stay in the first cache
constexpr int64_t kTurn = 32;              // positions whose integers are turned over at once

struct Scratch {
  WeightVector<int16_t> tables;    // [row][table]
  WeightVector<int16_t> integers;  // [position][filter]
  WeightVector<int32_t> outside;   // [tap][filter]
};

class WeightGradient {
 public:
  WeightGradient(const SignConv& conv, const SumKernels& kernels, const float* gradient, const uint32_t* signs,
                 float* result, int threads)
      : conv_(conv),
        shape_(conv),
        kernels_(kernels),
        gradient_(gradient),
        result_(result),
        threads_(threads),
        word_values_(int64_t{kernels.bundle} * kernels.word_bundles),
        positions_(conv.images * shape_.positions()),
        pixel_halves_(2 * ((conv.in_channels + 31) / 32)),
        padded_height_(conv.height + conv.geometry.padding[0] + conv.geometry.padding[2]),
        padded_width_(conv.width + conv.geometry.padding[1] + conv.geometry.padding[3]),
        word_bytes_(conv.geometry.groups * shape_.blocks * kernels.index_bytes),
        chunk_words_(std::clamp((positions_ + word_values_ - 1) / word_values_, int64_t{1},
                                std::max<int64_t>(kIndexBytes / word_bytes_, 32))),
        table_words_(std::max<int64_t>(1, kTableBytes / (kSumRows * kernels.word_bundles * kernels.table_size * 2))),
        corner_(shape_.positions()),
        crosses_border_(shape_.positions()),
        padded_(conv.images * padded_height_ * padded_width_ * pixel_halves_),
        index_(chunk_words_ * word_bytes_),
        integers_(conv.out_channels * chunk_words_ * word_values_),
        sums_(conv.out_channels * shape_.blocks * kSumLanes),
        factor_(conv.out_channels),
        step_(conv.out_channels),
        scratches_(threads, [&] {
          Scratch scratch;
          scratch.tables.resize(kSumRows * table_words_ * kernels.word_bundles * kernels.table_size);
          scratch.integers.resize(kTurn * conv.out_channels);
          scratch.outside.resize(shape_.taps * conv.out_channels);
          return scratch;
        }) {
    find_corners();
    steps();
    pad(signs);
  }

  void run() {
    const int64_t words = (positions_ + word_values_ - 1) / word_values_;
    for (int64_t first = 0; first < words; first += chunk_words_) {
      const int64_t count = std::min(chunk_words_, words - first);
      round_gradient(first * word_values_, count * word_values_);
      make_index(first * word_values_, count);
      add(count);
    }
    finish();
  }

 private:
  void loop(int64_t items, const std::function<void(int64_t, int64_t)>& body) {
    parallel_for(items, static_cast<double>(items), 1, threads_, body);
  }

  void find_corners() {
    const Geometry& g = conv_.geometry;
    for (int64_t i = 0; i < shape_.positions(); ++i) {
      const int64_t y = i / shape_.out_width * g.stride[0], x = i % shape_.out_width * g.stride[1];
      corner_[i] = (y * padded_width_ + x) * pixel_halves_;
      crosses_border_[i] = y < g.padding[0] || x < g.padding[1] ||
                           y - g.padding[0] + g.dilation[0] * (g.kernel[0] - 1) >= conv_.height ||
                           x - g.padding[1] + g.dilation[1] * (g.kernel[1] - 1) >= conv_.width;
    }
  }

  void steps() {
    std::vector<float> most(conv_.images * conv_.out_channels);
    const int64_t size = shape_.positions() * conv_.out_channels;
    loop(conv_.images, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        kernels_.rows.abs_max_channels(gradient_ + n * size, shape_.positions(), conv_.out_channels,
                                       most.data() + n * conv_.out_channels);
      }
    });
    std::vector<float> all(conv_.out_channels);
    kernels_.rows.abs_max_channels(most.data(), conv_.images, conv_.out_channels, all.data());
    for (int64_t o = 0; o < conv_.out_channels; ++o) {
      const SumStep step(all[o]);
      factor_[o] = step.inverse;
      step_[o] = step.step;
    }
  }

  void pad(const uint32_t* signs) {
    const Geometry& g = conv_.geometry;
    const int64_t row = conv_.width * pixel_halves_;
    loop(conv_.images, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        const auto* source = reinterpret_cast<const uint16_t*>(signs) + n * conv_.height * row;
        for (int64_t y = 0; y < conv_.height; ++y) {
          uint16_t* target =
              padded_.data() + ((n * padded_height_ + y + g.padding[0]) * padded_width_ + g.padding[1]) * pixel_halves_;
          std::memcpy(target, source + y * row, row * sizeof(uint16_t));
        }
      }
    });
  }

  // integers_[filter][position - first]; positions behind the last one get 0.
  void round_gradient(int64_t first, int64_t count) {
    loop((count + kTurn - 1) / kTurn, [&](int64_t begin, int64_t end) {
      scratches_.with([&](Scratch& scratch) {
        for (int64_t turn = begin; turn < end; ++turn) turn_over(first, turn * kTurn, count, scratch);
      });
    });
  }

  void turn_over(int64_t first, int64_t from, int64_t count, Scratch& scratch) {
    const int64_t filters = conv_.out_channels, turned = std::min(kTurn, count - from);
    const int64_t present = std::clamp<int64_t>(positions_ - first - from, 0, turned);
    int16_t* integers = scratch.integers.data();
    kernels_.rows.quantize(gradient_ + (first + from) * filters, filters, factor_.data(), present, filters, integers,
                           filters);
    int64_t position = (first + from) % shape_.positions();
    for (int64_t i = 0; i < present; ++i) {
      if (crosses_border_[position]) take_outside(position, integers + i * filters, scratch);
      if (++position == shape_.positions()) position = 0;
    }
    std::fill(integers + present * filters, integers + turned * filters, int16_t{0});
    kernels_.rows.turn_over(integers, filters, turned, filters, integers_.data() + from, chunk_words_ * word_values_);
  }

  void take_outside(int64_t position, const int16_t* integers, Scratch& scratch) {
    const Geometry& g = conv_.geometry;
    const int64_t y = position / shape_.out_width * g.stride[0] - g.padding[0];
    const int64_t x = position % shape_.out_width * g.stride[1] - g.padding[1];
    for (int64_t tap = 0; tap < shape_.taps; ++tap) {
      const int64_t ty = y + tap / g.kernel[1] * g.dilation[0], tx = x + tap % g.kernel[1] * g.dilation[1];
      if (ty < 0 || ty >= conv_.height || tx < 0 || tx >= conv_.width) {
        kernels_.rows.add(integers, conv_.out_channels, scratch.outside.data() + tap * conv_.out_channels);
      }
    }
  }

  // index_[group][block][word of this chunk].
  void make_index(int64_t first, int64_t words) {
    const Geometry& g = conv_.geometry;
    std::vector<int64_t> offsets(g.groups * shape_.blocks * kSumParts);
    for (int64_t i = 0; i < static_cast<int64_t>(offsets.size()); ++i) {
      const int64_t group = i / (shape_.blocks * kSumParts);
      const int64_t part = std::min(i % (shape_.blocks * kSumParts), shape_.parts - 1), tap = shape_.tap_of(part);
      const int64_t y = tap / g.kernel[1] * g.dilation[0], x = tap % g.kernel[1] * g.dilation[1];
      offsets[i] = (y * padded_width_ + x) * pixel_halves_ + (group * shape_.group_in + shape_.channel_of(part)) / 16;
    }
    const int64_t image_halves = padded_height_ * padded_width_ * pixel_halves_;
    loop(words, [&](int64_t begin, int64_t end) {
      const uint16_t* source[kMaxWordValues];
      for (int64_t word = begin; word < end; ++word) {
        const int64_t from = first + word * word_values_;
        const int64_t count = std::min(word_values_, positions_ - from);
        int64_t position = from % shape_.positions();
        const uint16_t* image = padded_.data() + from / shape_.positions() * image_halves;
        for (int64_t k = 0; k < count; ++k) {
          source[k] = image + corner_[position];
          if (++position == shape_.positions()) {
            position = 0;
            image += image_halves;
          }
        }
        for (int64_t b = 0; b < g.groups * shape_.blocks; ++b) {
          kernels_.index({source, static_cast<int32_t>(count), offsets.data() + b * kSumParts,
                          index_.data() + (b * chunk_words_ + word) * kernels_.index_bytes});
        }
      }
    });
  }

  void add(int64_t words) {
    const int64_t tiles = (shape_.group_out + kSumRows - 1) / kSumRows;
    loop(conv_.geometry.groups * tiles, [&](int64_t begin, int64_t end) {
      scratches_.with([&](Scratch& scratch) {
        for (int64_t i = begin; i < end; ++i) add_tile(i / tiles, i % tiles * kSumRows, words, scratch);
      });
    });
  }

  // Filters `first` and the next ones of a group.
  void add_tile(int64_t group, int64_t first, int64_t words, Scratch& scratch) {
    const int rows = static_cast<int>(std::min<int64_t>(kSumRows, shape_.group_out - first));
    const int64_t filter = group * shape_.group_out + first, lanes = shape_.blocks * kSumLanes;
    const int64_t table_step = table_words_ * kernels_.word_bundles * kernels_.table_size;
    for (int64_t word = 0; word < words; word += table_words_) {
      const int64_t count = std::min(table_words_, words - word);
      for (int row = 0; row < rows; ++row) {
        const int16_t* values = integers_.data() + ((filter + row) * chunk_words_ + word) * word_values_;
        kernels_.tables(values, count * kernels_.word_bundles, scratch.tables.data() + row * table_step);
      }
      for (int64_t block = 0; block < shape_.blocks; ++block) {
        int32_t* result[kSumRows];
        for (int row = 0; row < rows; ++row) result[row] = sums_.data() + (filter + row) * lanes + block * kSumLanes;
        constexpr int64_t kOffsets[kSumParts] = {0, 16, 32, 48};
        const int64_t parts = std::min<int64_t>(kSumParts, shape_.parts - block * kSumParts);
        const int64_t at = ((group * shape_.blocks + block) * chunk_words_ + word) * kernels_.index_bytes;
        kernels_.tile[rows - 1]({scratch.tables.data(), table_step, index_.data() + at,
                                 static_cast<int32_t>(count * kernels_.word_bundles), static_cast<int32_t>(parts),
                                 result, kOffsets});
      }
    }
  }

  void finish() {
    const int64_t lanes = shape_.blocks * kSumLanes;
    loop(conv_.out_channels, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        for (int64_t tap = 0; tap < shape_.taps; ++tap) {
          int32_t outside = 0;
          for (const Scratch& scratch : scratches_.all()) outside += scratch.outside[tap * conv_.out_channels + o];
          const int32_t* sums = sums_.data() + o * lanes + tap * shape_.tap_parts * 16;
          float* result = result_ + (o * shape_.taps + tap) * shape_.group_in;
          for (int64_t c = 0; c < shape_.group_in; ++c) result[c] = static_cast<float>(sums[c] - outside) * step_[o];
        }
      }
    });
  }

  static constexpr int kMaxWordValues = 16;

  const SignConv& conv_;
  SumShape shape_;
  const SumKernels& kernels_;
  const float* gradient_;
  float* result_;
  int threads_;
  int64_t word_values_;
  int64_t positions_;  // of all images
  int64_t pixel_halves_;
  int64_t padded_height_;
  int64_t padded_width_;
  int64_t word_bytes_;                   // of the index, all blocks
  int64_t chunk_words_;                  // worked on at once
  int64_t table_words_;                  // whose tables are made at once
  std::vector<int64_t> corner_;          // of an image's position: from the image to the signs under the first tap
  std::vector<uint8_t> crosses_border_;  // of an image's position: whether a tap is outside of the image
  WeightVector<uint16_t> padded_;
  WeightVector<uint8_t> index_;
  WeightVector<int16_t> integers_;
  WeightVector<int32_t> sums_;  // [filter][lane]
  std::vector<float> factor_;
  std::vector<float> step_;
  ScratchList<Scratch> scratches_;
};

}  // namespace

void sign_conv_weight_gradient(const SignConv& conv, const float* gradient, const uint32_t* signs, float* result,
                               int threads, const std::string& isa) {
  const OpenMpThreads shared;
  check_sign_conv(conv);
  const SumKernels* kernels = sum_kernels(isa);
  if (kernels == nullptr) {
    reference::sign_conv_weight_gradient(conv, gradient, signs, result);
    return;
  }
  WeightGradient(conv, *kernels, gradient, signs, result, std::clamp(threads, 1, kMaxThreads)).run();
}

}  // namespace xnorkit
