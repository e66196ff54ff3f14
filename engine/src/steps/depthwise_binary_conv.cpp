// Binary convolution with one filter per channel as a step: taps counted for many channels at once.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "common/bits.h"
#include "contract/depthwise_kernels.h"
#include "layout/bit_stage.h"
#include "layout/channel_blocks.h"
#include "layout/regions.h"
#include "steps/binary_conv.h"
#include "steps/tail.h"
#include "threads/buffers.h"
#include "threads/grain.h"
#include "threads/scratch_list.h"

namespace xnorkit {
namespace {

class DepthwiseBinaryConv final : public Step {
 public:
  DepthwiseBinaryConv(const DepthwiseBinaryKernels& kernels, const BinaryConvSpec& spec)
      : kernels_(kernels),
        output_(spec.output),
        epilogue_(spec.epilogue),
        stage_(spec),
        taps_(stage_.taps(spec.geometry)),
        words_(spec.output.words()),
        vectors_((spec.output.width * words_ + kRowWords - 1) / kRowWords),
        period_(std::lcm(words_, int64_t{kRowWords}) / kRowWords),
        digits_(static_cast<int64_t>(taps_.size()) <= kNineTaps ? kFewDigits : kMaxDigits),
        rows_(make_lines(spec, 0, epilogue_ == kToBits && spec.per_position())),
        columns_(make_lines(spec, 1)),
        blocks_(channel_blocks(spec.output.channels, 1, 16)),
        tail_(spec.tail, spec.output.channels, total_lanes(blocks_)) {
    arrange_weights(spec);
    if (epilogue_ == kToBits) {
      arrange_limits(spec);
    } else {
      arrange_bases(spec);
    }
    if (epilogue_ == kToF32) {
      scale_ = spread_lanes(blocks_, spec.scale.data(), 0.0f);
      bias_ = spread_lanes(blocks_, spec.bias.data(), 0.0f);
    }
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    Buffer buffer = buffers_.borrow(4 * static_cast<size_t>(images * stage_.image_words() + kRowWords));
    auto* staged = reinterpret_cast<uint32_t*>(buffer.memory.get());
    stage_.fill(io.source<uint32_t>(), staged, images, threads);
    std::fill_n(staged + images * stage_.image_words(), kRowWords, 0u);
    const auto counted = static_cast<double>(vectors_) * static_cast<double>(taps_.size());
    const double stored =
        epilogue_ == kToBits ? 0.0 : grain::kCountedResult * static_cast<double>(output_.width * output_.channels);
    const int64_t rows = images * output_.height;
    const auto counts = static_cast<size_t>((epilogue_ == kToBits ? 1 : digits_) * step());
    ScratchList<std::vector<uint32_t>> counters(threads, [&] { return std::vector<uint32_t>(counts); });
    parallel_for(
        rows, static_cast<double>(rows) * (counted + stored), grain::kCountedVectors, threads,
        [&](int64_t begin, int64_t end) {
          counters.with([&](std::vector<uint32_t>& counter) { run_rows(staged, io, begin, end, counter.data()); });
        });
    buffers_.give_back(std::move(buffer));
  }

  size_t resident_bytes() const override {
    return bytes_of(weight_, limit_, flip_, base_, scale_, bias_) + tail_.resident_bytes();
  }

  const char* kernel() const override { return kernels_.name; }

 private:
  // Words from one digit of a row to the next.
  int64_t step() const { return vectors_ * kRowWords; }

  bool weight_bit(const BinaryConvSpec& spec, int64_t c, int64_t tap) const {
    return sign_of(spec.weight.data() + c * spec.filter_bytes(), tap) < 0;
  }

  // The words of a row repeat every `period_` vectors, and with them the weights.
  void arrange_weights(const BinaryConvSpec& spec) {
    const auto taps = static_cast<int64_t>(taps_.size());
    weight_.assign(period_ * taps * kRowWords, 0);
    for (int64_t word = 0; word < period_ * kRowWords; ++word) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        uint32_t* to = &weight_[(word / kRowWords * taps + tap) * kRowWords + word % kRowWords];
        for (int64_t bit = 0; bit < 32; ++bit) {
          const int64_t c = word % words_ * 32 + bit;
          if (c < output_.channels) set_bit(to, bit, weight_bit(spec, c, tap));
        }
      }
    }
  }

  // Taps outside the rectangle, padded ones, whose weight's bit is 1: there a staged bit, 0, differs.
  int32_t padded_ones(const BinaryConvSpec& spec, int64_t c, const TapRange& rows, const TapRange& columns) const {
    int32_t ones = 0;
    for (int64_t ky = 0; ky < spec.geometry.kernel[0]; ++ky)
      for (int64_t kx = 0; kx < spec.geometry.kernel[1]; ++kx) {
        const bool valid = ky >= rows.begin && ky < rows.end && kx >= columns.begin && kx < columns.end;
        ones += !valid && weight_bit(spec, c, ky * spec.geometry.kernel[1] + kx) ? 1 : 0;
      }
    return ones;
  }

  // With p differing bits of the K valid taps, dot = K - 2p < t <=> p > floor((K - t) / 2). The kernel counts
  // p' = p + padded ones, of T taps, so the bit is p' >= m = floor((K - t) / 2) + padded ones + 1; p' is 0 to T, and m
  // clamped to [0, T + 1] compares the same. Lanes without a channel have T + 1 and no flip: their bits come out as 0.
  void arrange_limits(const BinaryConvSpec& spec) {
    const auto never = static_cast<int64_t>(taps_.size()) + 1;
    flip_.assign(rows_.ranges.size() * step(), 0);
    for (size_t row = 0; row < rows_.ranges.size(); ++row) {
      for (int64_t b = 0; b < digits_; ++b) limit_.insert(limit_.end(), step(), (never >> b & 1) != 0 ? 0u : ~0u);
      uint32_t* const limit = limit_.data() + row * digits_ * step();
      for (size_t column = 0; column < columns_.ranges.size(); ++column) {
        for (int64_t c = 0; c < output_.channels; ++c) {
          const int64_t valid = rows_.ranges[row].count() * columns_.ranges[column].count();
          const int64_t ones = padded_ones(spec, c, rows_.ranges[row], columns_.ranges[column]);
          for (int64_t ox = 0; ox < output_.width; ++ox) {
            if (columns_.range_of[ox] != column) continue;
            const auto position = static_cast<int64_t>(row) * output_.width + ox;
            const int64_t i = spec.per_position() ? position * output_.channels + c : c;
            const int64_t doubled = valid - spec.threshold[i];
            const int64_t half = doubled >= 0 ? doubled / 2 : (doubled - 1) / 2;
            const int64_t m = std::clamp<int64_t>(half + ones + 1, 0, never);
            const int64_t word = ox * words_ + c / 32;
            for (int64_t b = 0; b < digits_; ++b) {
              const uint32_t bit = 1u << (c % 32);
              uint32_t& to = limit[b * step() + word];
              to = (m >> b & 1) != 0 ? to & ~bit : to | bit;
            }
            set_bit(&flip_[row * step() + word], c % 32, spec.flip[i] != 0);
          }
        }
      }
    }
  }

  // dot = K - 2p = (K + 2 * padded ones) - 2p'.
  void arrange_bases(const BinaryConvSpec& spec) {
    for (const TapRange& rows : rows_.ranges)
      for (const TapRange& columns : columns_.ranges) {
        std::vector<int32_t> base;
        for (int64_t c = 0; c < output_.channels; ++c) {
          base.push_back(static_cast<int32_t>(rows.count() * columns.count()) +
                         2 * padded_ones(spec, c, rows, columns));
        }
        const auto lanes = spread_lanes(blocks_, base.data(), 0);
        base_.insert(base_.end(), lanes.begin(), lanes.end());
      }
  }

  // Output rows [begin, end) of all images.
  void run_rows(const uint32_t* staged, const Operands& io, int64_t begin, int64_t end, uint32_t* counted) const {
    const uint32_t* sources[kMaxCountedTaps];
    CountRow row{};
    row.source = sources;
    row.weight = weight_.data();
    row.taps = static_cast<int32_t>(taps_.size());
    row.period = static_cast<int32_t>(period_);
    row.vectors = static_cast<int32_t>(vectors_);
    row.step = step();
    row.result = counted;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / output_.height;
      const int64_t oy = i % output_.height;
      const uint32_t* first = staged + image * stage_.image_words() + oy * stage_.stride_words();
      for (size_t tap = 0; tap < taps_.size(); ++tap) sources[tap] = first + taps_[tap];
      if (epilogue_ == kToBits) {
        row.limit = limit_.data() + rows_.range_of[oy] * digits_ * step();
        row.flip = flip_.data() + rows_.range_of[oy] * step();
        kernels_.bits(row);
        const int64_t words = output_.width * words_;
        std::memcpy(io.result<uint32_t>() + i * words, counted, 4 * static_cast<size_t>(words));
      } else {
        kernels_.counts(row);
        for (const ChannelBlock& block : blocks_) store_row(io, counted, image, oy, block);
      }
    }
  }

  void store_row(const Operands& io, const uint32_t* counted, int64_t image, int64_t oy,
                 const ChannelBlock& block) const {
    TailTile tail(tail_, io, 1, block.first_channel);
    CountTile tile{};
    tile.step = step();
    tile.digits = static_cast<int32_t>(digits_);
    tile.lanes = static_cast<int32_t>(block.lanes);
    tile.channels = static_cast<int32_t>(block.channels);
    if (epilogue_ == kToF32) {
      tile.scale = scale_.data() + block.first_lane;
      tile.bias = bias_.data() + block.first_lane;
      tile.tail = tail.tail();
    }
    const size_t first_base = rows_.range_of[oy] * columns_.ranges.size();
    for (int64_t ox = 0; ox < output_.width; ++ox) {
      const int64_t place = (image * output_.height + oy) * output_.width + ox;
      tile.source = counted + ox * words_ + block.first_channel / 32;
      tile.base = base_.data() + (first_base + columns_.range_of[ox]) * total_lanes(blocks_) + block.first_lane;
      if (epilogue_ == kToF32) {
        tail.set_pixels(&place, &image, 1);
        kernels_.to_f32(tile);
      } else {
        tile.result = io.result<int32_t>() + place * output_.channels + block.first_channel;
        kernels_.to_i32(tile);
      }
    }
  }

  const DepthwiseBinaryKernels& kernels_;
  Shape output_;
  Epilogue epilogue_;
  BitStage stage_;
  std::vector<int64_t> taps_;
  int64_t words_;
  int64_t vectors_;
  int64_t period_;
  int64_t digits_;
  Lines rows_;
  Lines columns_;
  std::vector<ChannelBlock> blocks_;
  ArrangedTail tail_;
  std::vector<uint32_t> weight_;
  std::vector<uint32_t> limit_;  // [range of rows][digit][word]
  std::vector<uint32_t> flip_;   // [range of rows][word]
  std::vector<int32_t> base_;    // [range of rows][range of columns][lane]
  std::vector<float> scale_;
  std::vector<float> bias_;
  mutable Buffers buffers_;
};

}  // namespace

bool counts_taps(const BinaryConvSpec& spec) {
  constexpr int64_t kSmall = 1 << 16;
  return spec.depthwise() && spec.geometry.taps() <= kMaxCountedTaps &&
         BitStage(spec).image_words() <=
             4 * (spec.input.elements() + spec.output.pixels() * spec.output.words()) + kSmall;
}

std::unique_ptr<Step> make_counting_step(const KernelTable& table, const BinaryConvSpec& spec) {
  return std::make_unique<DepthwiseBinaryConv>(*table.depthwise_binary_conv, spec);
}

}  // namespace xnorkit
