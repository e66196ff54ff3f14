// dC/ds: for each output pixel, tables of its rounded gradient over groups of filters give all (tap, channel) lanes, which
// are added to the pixels that the taps read, those of the padding included. An image's sums stay in one core's cache; images run in parallel.
#include <algorithm>
#include <vector>

#include "common/error.h"
#include "dispatch/table.h"
#include "program/openmp_threads.h"
#include "program/threads.h"
#include "reference/sign_gradients.h"
#include "program/scratch_list.h"
#include "training/shape.h"
#include "training/weight_index.h"

namespace xnorkit {
namespace {

struct Scratch {
  WeightVector<int16_t> integers;  // [pixel][values]
  WeightVector<int16_t> tables;    // [row][table]
  WeightVector<int32_t> sums;      // [row][column][pixel_sums] of the padded image
  std::vector<float> factor;       // [channel]
};

class InputGradient {
 public:
  InputGradient(const SignConv& conv, const SumKernels& kernels, const float* gradient, const uint32_t* weight,
                const float* scale, const uint32_t* inside, float* result)
      : conv_(conv),
        shape_(conv),
        kernels_(kernels),
        index_(conv, shape_, kernels, weight),
        gradient_(gradient),
        scale_(scale),
        inside_(inside),
        result_(result),
        table_count_((shape_.group_out + kernels.group - 1) / kernels.group),
        values_(table_count_ * kernels.group),
        pixel_sums_(conv.geometry.groups * shape_.tap_parts * 16),
        padded_height_(conv.height + conv.geometry.padding[0] + conv.geometry.padding[2]),
        padded_width_(conv.width + conv.geometry.padding[1] + conv.geometry.padding[3]) {
    const Geometry& g = conv.geometry;
    for (int64_t part = 0; part < shape_.blocks * kSumParts; ++part) {
      const int64_t tap = std::min(shape_.tap_of(part), shape_.taps - 1);
      const int64_t y = tap / g.kernel[1] * g.dilation[0], x = tap % g.kernel[1] * g.dilation[1];
      offsets_.push_back((y * padded_width_ + x) * pixel_sums_ + shape_.channel_of(part));
    }
  }

  Scratch make_scratch() const {
    Scratch scratch;
    scratch.integers.resize(shape_.positions() * values_);
    scratch.tables.resize(kSumRows * table_count_ * kernels_.table_size);
    scratch.sums.resize(padded_height_ * padded_width_ * pixel_sums_);
    scratch.factor.resize(conv_.out_channels);
    return scratch;
  }

  void image(int64_t n, Scratch& scratch) const {
    const float* gradient = gradient_ + n * shape_.positions() * conv_.out_channels;
    const SumStep step(kernels_.rows.abs_max(gradient, scale_, shape_.positions(), conv_.out_channels));
    for (int64_t c = 0; c < conv_.out_channels; ++c) scratch.factor[c] = scale_[c] * step.inverse;
    std::fill(scratch.sums.begin(), scratch.sums.end(), 0);
    if (step.inverse > 0) {
      for (int64_t group = 0; group < conv_.geometry.groups; ++group) add_group(gradient, group, scratch);
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
  void add_group(const float* gradient, int64_t group, Scratch& scratch) const {
    const int64_t first = group * shape_.group_out;
    kernels_.rows.quantize(gradient + first, conv_.out_channels, scratch.factor.data() + first, shape_.positions(),
                           shape_.group_out, scratch.integers.data(), values_);
    for (int64_t position = 0; position < shape_.positions(); position += kSumRows) {
      const int rows = static_cast<int>(std::min<int64_t>(kSumRows, shape_.positions() - position));
      add_rows(group, position, rows, scratch);
    }
  }

  void add_rows(int64_t group, int64_t position, int rows, Scratch& scratch) const {
    const Geometry& g = conv_.geometry;
    const int64_t table_step = table_count_ * kernels_.table_size;
    int32_t* corner[kSumRows];  // under the first tap
    for (int row = 0; row < rows; ++row) {
      const int16_t* values = scratch.integers.data() + (position + row) * values_;
      kernels_.tables(values, table_count_, scratch.tables.data() + row * table_step);
      const int64_t y = (position + row) / shape_.out_width * g.stride[0];
      const int64_t x = (position + row) % shape_.out_width * g.stride[1];
      corner[row] = scratch.sums.data() + (y * padded_width_ + x) * pixel_sums_ + group * shape_.tap_parts * 16;
    }
    for (int64_t block = 0; block < shape_.blocks; ++block) {
      const int64_t parts = std::min<int64_t>(kSumParts, shape_.parts - block * kSumParts);
      kernels_.tile[rows - 1]({scratch.tables.data(), table_step, index_.of(group, block),
                               static_cast<int32_t>(table_count_), static_cast<int32_t>(parts), corner,
                               offsets_.data() + block * kSumParts});
    }
  }

  const SignConv& conv_;
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
  std::vector<int64_t> offsets_;  // [part]: from the sums under the first tap to its own
};

}  // namespace

void sign_conv_input_gradient(const SignConv& conv, const float* gradient, const uint32_t* weight, const float* scale,
                              const uint32_t* inside, float* result, int threads, const std::string& isa) {
  const OpenMpThreads shared;
  check_sign_conv(conv);
  const SumKernels* kernels = kernel_table(isa).signed_sums;
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
