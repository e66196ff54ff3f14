// dC/ds: tables of the rounded gradient over groups of filters give all (tap, channel) lanes of an output pixel, which are
// added to the pixels that the taps read, those of the padding included. Where the kernel moves by one pixel, what a row
// of taps adds to one pixel comes from neighbouring output pixels, whose tables lie side by side: these sums are taken as
// one, longer ones, and fewer of them are added to memory. An image's sums stay in one core's cache; images run in parallel.
#include <algorithm>
#include <vector>

#include "common/error.h"
#include "dispatch/sum_table.h"
#include "reference/sign_gradients.h"
#include "spec/sums.h"
#include "threads/openmp_threads.h"
#include "threads/scratch_list.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

constexpr int64_t kTableBytes = 12 << 10;  // of a strip: they stay in the first cache beside the index of a block

struct Scratch {
  WeightVector<int16_t> integers;  // [slot][values] of a row of output pixels; what no output pixel fills stays 0
  WeightVector<int16_t> tables;    // [slot of the strip][table]
  WeightVector<int32_t> sums;      // [row][column][pixel_sums] of the padded image
  std::vector<float> factor;       // [channel]
};

// The sign bits of all filters as indices of the kernels: the lanes' operand.
struct WeightIndex {
  // weight: (O, taps, words of a group's channels). A lane's values are the filters under the last of `run` neighbouring
  // taps, then those under the tap before it, and so on to the first; each tap's padded to whole tables by +1.
  WeightIndex(const SignConv& conv, const SumShape& shape, int64_t run, const SumKernels& kernels,
              const uint32_t* weight)
      : blocks(shape.blocks) {
    const int64_t word = int64_t{kernels.bundle} * kernels.word_bundles;
    const int64_t tap_values = round_up(shape.group_out, kernels.bundle), values = run * tap_values;
    block_bytes = (values + word - 1) / word * kernels.index_bytes;
    data.resize(conv.geometry.groups * blocks * block_bytes);
    const int64_t tap_halves = 2 * ((shape.group_in + 31) / 32), filter_halves = shape.taps * run * tap_halves;
    const auto* halves = reinterpret_cast<const uint16_t*>(weight);
    const std::vector<uint16_t> zeros(filter_halves);
    std::vector<const uint16_t*> source(values);
    uint8_t* result = data.data();
    for (int64_t group = 0; group < conv.geometry.groups; ++group) {
      for (int64_t k = 0; k < values; ++k) {
        const int64_t filter = k % tap_values, tap = run - 1 - k / tap_values;
        source[k] = filter < shape.group_out
                        ? halves + (group * shape.group_out + filter) * filter_halves + tap * tap_halves
                        : zeros.data();
      }
      for (int64_t block = 0; block < blocks; ++block) {
        int64_t offset[kSumParts];
        for (int part = 0; part < kSumParts; ++part) {
          // Lanes beyond the last part are not read back.
          const int64_t p = std::min(block * kSumParts + part, shape.parts - 1);
          offset[part] = shape.tap_of(p) * run * tap_halves + shape.channel_of(p) / 16;
        }
        for (int64_t first = 0; first < values; first += word, result += kernels.index_bytes) {
          const auto count = static_cast<int32_t>(std::min(word, values - first));
          kernels.index({source.data() + first, count, offset, result});
        }
      }
    }
  }

  const uint8_t* of(int64_t group, int64_t block) const { return data.data() + (group * blocks + block) * block_bytes; }

  int64_t blocks;
  int64_t block_bytes;
  WeightVector<uint8_t> data;  // [group][block][word]
};

class InputGradient {
 public:
  InputGradient(const SignConv& conv, const SumKernels& kernels, const float* gradient, const uint32_t* weight,
                const float* scale, const uint32_t* inside, float* result)
      : conv_(conv),
        run_(run_of(conv)),
        shape_(conv, conv.geometry.taps() / run_),
        kernels_(kernels),
        index_(conv, shape_, run_, kernels, weight),
        gradient_(gradient),
        scale_(scale),
        inside_(inside),
        result_(result),
        table_count_((shape_.group_out + kernels.bundle - 1) / kernels.bundle),
        values_(table_count_ * kernels.bundle),
        pixel_sums_(conv.geometry.groups * shape_.tap_parts * 16),
        padded_height_(conv.height + conv.geometry.padding[0] + conv.geometry.padding[2]),
        padded_width_(conv.width + conv.geometry.padding[1] + conv.geometry.padding[3]),
        columns_(run_ > 1 ? conv.width : shape_.out_width),
        first_x_(run_ > 1 ? conv.geometry.padding[1] - run_ + 1 : 0) {
    const Geometry& g = conv.geometry;
    const int64_t row_taps = g.kernel[1] / run_;
    for (int64_t part = 0; part < shape_.blocks * kSumParts; ++part) {
      const int64_t tap = std::min(shape_.tap_of(part), shape_.taps - 1);
      const int64_t y = tap / row_taps * g.dilation[0], x = tap % row_taps * g.dilation[1];
      offsets_.push_back((y * padded_width_ + x) * pixel_sums_ + shape_.channel_of(part));
    }
    const int64_t slots = kTableBytes / (table_count_ * kernels.table_size * sizeof(int16_t));
    const int64_t most = std::max<int64_t>(slots - run_ + 1, kSumRows), strips = (columns_ + most - 1) / most;
    strip_ = round_up((columns_ + strips - 1) / strips, kSumRows);
  }

  Scratch make_scratch() const {
    Scratch scratch;
    scratch.integers.resize((columns_ + run_ - 1) * values_);
    scratch.tables.resize((strip_ + run_ - 1) * table_count_ * kernels_.table_size);
    scratch.sums.resize(padded_height_ * padded_width_ * pixel_sums_);
    scratch.factor.resize(conv_.out_channels);
    return scratch;
  }

  void image(int64_t n, Scratch& scratch) const {
    const float* gradient = gradient_ + n * shape_.positions() * conv_.out_channels;
    const SumStep step(largest(gradient, scratch.factor.data()));
    for (int64_t c = 0; c < conv_.out_channels; ++c) scratch.factor[c] = scale_[c] * step.inverse;
    std::fill(scratch.sums.begin(), scratch.sums.end(), 0);
    if (step.inverse > 0) {
      for (int64_t group = 0; group < conv_.geometry.groups; ++group) {
        for (int64_t y = 0; y < shape_.out_height; ++y) {
          add_row(gradient + y * shape_.out_width * conv_.out_channels, group, y, scratch);
        }
      }
    }
    const Geometry& g = conv_.geometry;
    const int64_t words = (conv_.in_channels + 31) / 32;
    for (int64_t y = 0; y < conv_.height; ++y) {
      const int64_t pixel = (n * conv_.height + y) * conv_.width;
      const int64_t padded = (y + g.padding[0]) * padded_width_ + g.padding[1];
      kernels_.rows.scale(scratch.sums.data() + padded * pixel_sums_, pixel_sums_, step.step,
                          inside_ == nullptr ? nullptr : inside_ + pixel * words, conv_.width, conv_.in_channels,
                          result_ + pixel * conv_.in_channels);
    }
  }

 private:
  // The largest |scale * gradient| of an image, or NaN or infinity where there is one.
  float largest(const float* gradient, float* most) const {
    std::fill(most, most + conv_.out_channels, 0.0f);
    kernels_.rows.abs_max_channels(gradient, shape_.positions(), conv_.out_channels, most);
    for (int64_t c = 0; c < conv_.out_channels; ++c) most[c] *= scale_[c];
    float result = 0;
    kernels_.rows.abs_max_channels(most, conv_.out_channels, 1, &result);
    return result;
  }

  // Taps of a kernel's row that are summed at once.
  static int64_t run_of(const SignConv& conv) {
    const Geometry& g = conv.geometry;
    return g.stride[1] == 1 && g.dilation[1] == 1 ? g.kernel[1] : 1;
  }

  // A row of output pixels. Slot i holds output pixel first_x_ + i; column i takes the slots i to i + run_ - 1.
  void add_row(const float* gradient, int64_t group, int64_t y, Scratch& scratch) const {
    const int64_t first = group * shape_.group_out;
    const int64_t from = std::max<int64_t>(first_x_, 0),
                  to = std::min(first_x_ + columns_ + run_ - 1, shape_.out_width);
    kernels_.rows.quantize(gradient + from * conv_.out_channels + first, conv_.out_channels,
                           scratch.factor.data() + first, std::max<int64_t>(to - from, 0), shape_.group_out,
                           scratch.integers.data() + (from - first_x_) * values_, values_);
    for (int64_t column = 0; column < columns_; column += strip_) {
      const int64_t count = std::min(strip_, columns_ - column);
      kernels_.tables(scratch.integers.data() + column * values_, (count + run_ - 1) * table_count_,
                      scratch.tables.data());
      for (int64_t i = 0; i < count; i += kSumRows) add_columns(group, y, column, i, count, scratch);
    }
  }

  // Columns `first` + i and the next ones of a strip of `count`.
  void add_columns(int64_t group, int64_t y, int64_t first, int64_t i, int64_t count, Scratch& scratch) const {
    const Geometry& g = conv_.geometry;
    const int rows = static_cast<int>(std::min<int64_t>(kSumRows, count - i));
    const int64_t table_step = table_count_ * kernels_.table_size;
    int32_t* corner[kSumRows];  // the sums of the first row of taps
    for (int row = 0; row < rows; ++row) {
      const int64_t column = first + i + row;
      const int64_t x = run_ > 1 ? g.padding[1] + column : column * g.stride[1];
      corner[row] =
          scratch.sums.data() + (y * g.stride[0] * padded_width_ + x) * pixel_sums_ + group * shape_.tap_parts * 16;
    }
    for (int64_t block = 0; block < shape_.blocks; ++block) {
      const int64_t parts = std::min<int64_t>(kSumParts, shape_.parts - block * kSumParts);
      kernels_.tile[rows - 1]({scratch.tables.data() + i * table_step, table_step, index_.of(group, block),
                               static_cast<int32_t>(run_ * table_count_), static_cast<int32_t>(parts), corner,
                               offsets_.data() + block * kSumParts});
    }
  }

  const SignConv& conv_;
  int64_t run_;
  SumShape shape_;
  const SumKernels& kernels_;
  WeightIndex index_;
  const float* gradient_;
  const float* scale_;
  const uint32_t* inside_;
  float* result_;
  int64_t table_count_;  // of an output pixel in a group
  int64_t values_;       // padded to whole tables; what is added stays 0
  int64_t pixel_sums_;
  int64_t padded_height_;
  int64_t padded_width_;
  int64_t columns_;  // that are summed per row of output pixels: pixels of the image, or output pixels where run_ is 1
  int64_t first_x_;  // output pixel of the first slot
  int64_t strip_;    // columns whose tables are made at once
  std::vector<int64_t> offsets_;  // [part]: from the sums under the first tap to its own
};

}  // namespace

void sign_conv_input_gradient(const SignConv& conv, const float* gradient, const uint32_t* weight, const float* scale,
                              const uint32_t* inside, float* result, int threads, const std::string& isa) {
  const OpenMpThreads shared;
  check_sign_conv(conv);
  const SumKernels* kernels = sum_kernels(isa);
  if (kernels == nullptr) {
    reference::sign_conv_input_gradient(conv, gradient, weight, scale, inside, result);
    return;
  }
  const InputGradient job(conv, *kernels, gradient, weight, scale, inside, result);
  threads = static_cast<int>(std::clamp<int64_t>(threads, 1, std::min<int64_t>(conv.images, kMaxThreads)));
  ScratchList<Scratch> scratches(threads, [&] { return job.make_scratch(); });
  parallel_for(conv.images, static_cast<double>(conv.images), 1, threads, [&](int64_t begin, int64_t end) {
    scratches.with([&](Scratch& scratch) {
      for (int64_t n = begin; n < end; ++n) job.image(n, scratch);
    });
  });
}

}  // namespace xnorkit
