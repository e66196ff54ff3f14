// Floats to bits as a step, from a value or from a caller's images; and floats to 8 bits.
#include <algorithm>
#include <atomic>
#include <vector>

#include "common/bits.h"
#include "kernels/quantize/quantize_row.h"
#include "steps/reference_step.h"
#include "threads/grain.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

class RowPack final : public Step {
 public:
  RowPack(const KernelTable& table, const PackSpec& spec)
      : table_(table), input_(spec.input), per_position_(spec.per_position()), threshold_(spec.threshold) {
    const int64_t positions = per_position_ ? input_.pixels() : 1;
    flip_.assign(positions * input_.words(), 0);
    for (int64_t i = 0; i < positions; ++i)
      for (int64_t c = 0; c < input_.channels; ++c)
        set_bit(&flip_[i * input_.words()], c, spec.flip[i * input_.channels + c] != 0);
  }

  void run(const Operands& io, int64_t images, int threads) const override {
    const auto cost = static_cast<double>(images * input_.elements());
    parallel_each(images * input_.height, cost, grain::kFloats, threads,
                  [&](int64_t row) { pack_row(io.source<float>() + row * row_floats(), io.result<uint32_t>(), row); });
  }

  bool reads_images() const override { return true; }

  bool run_images(const Images& images, int64_t first, int64_t count, void* const* results,
                  int threads) const override {
    const auto cost = static_cast<double>(count * input_.elements());
    auto* result = static_cast<uint32_t*>(results[0]);
    // Planes of floats with a threshold per channel have a kernel; else each row is made a value first, in the nearest
    // cache.
    const bool whole = images.planes && images.input.type == Input::Type::float32 && !per_position_;
    std::atomic<bool> finite{true};
    parallel_for(count * input_.height, cost, grain::kFloats, threads, [&](int64_t begin, int64_t end) {
      if (!(whole ? pack_planes(images, first, begin, end, result) : pack_rows(images, first, begin, end, result))) {
        finite.store(false, std::memory_order_relaxed);
      }
    });
    return finite;
  }

  size_t resident_bytes() const override { return bytes_of(threshold_, flip_); }

 private:
  int64_t row_floats() const { return input_.width * input_.channels; }

  // Rows [begin, end) of the images from `first` on.
  bool pack_planes(const Images& images, int64_t first, int64_t begin, int64_t end, uint32_t* result) const {
    bool finite = true;
    for_each_part(begin, end, input_.height, [&](int64_t n, int64_t row, int64_t rows) {
      PackPlanes job;
      job.source = images.image<float>(first + n) + row * input_.width;
      job.plane_step = input_.pixels();
      job.threshold = threshold_.data();
      job.flip = flip_.data();
      job.result = result + (n * input_.height + row) * input_.width * input_.words();
      job.pixels = rows * input_.width;
      job.channels = input_.channels;
      finite = table_.pack_planes(job) && finite;
    });
    return finite;
  }

  bool pack_rows(const Images& images, int64_t first, int64_t begin, int64_t end, uint32_t* result) const {
    bool finite = true;
    std::vector<float> made(images.planes ? static_cast<size_t>(row_floats()) : 0);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t n = first + row / input_.height;
      const int64_t inside = row % input_.height;
      const float* source = made.data();
      if (images.planes) {
        finite = read_pixels(images, n, inside * input_.width, input_.width, made.data()) && finite;
      } else {
        source = images.image<float>(n) + inside * row_floats();
        finite = table_.rows->finite(source, row_floats()) && finite;
      }
      pack_row(source, result, row);
    }
    return finite;
  }

  // `row` counts the rows of all images.
  void pack_row(const float* source, uint32_t* result, int64_t row) const {
    const int64_t position = per_position_ ? row % input_.height * input_.width : 0;
    PackRow job;
    job.source = source;
    job.threshold = threshold_.data() + position * input_.channels;
    job.flip = flip_.data() + position * input_.words();
    job.result = result + row * input_.width * input_.words();
    job.pixels = input_.width;
    job.channels = input_.channels;
    job.threshold_step = per_position_ ? input_.channels : 0;
    job.flip_step = per_position_ ? input_.words() : 0;
    table_.pack(job);
  }

  const KernelTable& table_;
  Shape input_;
  bool per_position_;
  std::vector<float> threshold_;
  std::vector<uint32_t> flip_;
};

class Quantize final : public Step {
 public:
  explicit Quantize(const QuantizeSpec& spec) : spec_(spec) {}

  void run(const Operands& io, int64_t images, int threads) const override {
    const int64_t values = images * spec_.input.elements();
    parallel_for(values, static_cast<double>(values), grain::kQuantizedFloats, threads,
                 [&](int64_t begin, int64_t end) {
                   quantize_row(io.source<float>() + begin, end - begin, spec_.scale, spec_.zero_point,
                                io.result<uint8_t>() + begin);
                 });
  }

 private:
  QuantizeSpec spec_;
};

}  // namespace

std::unique_ptr<Step> make_step(const KernelTable& table, PackSpec spec) {
  if (table.pack == nullptr) return reference_step(reference::pack, spec, bytes_of(spec.threshold, spec.flip));
  return std::make_unique<RowPack>(table, spec);
}

std::unique_ptr<Step> make_step(const KernelTable& table, QuantizeSpec spec) {
  if (table.rows == nullptr) return reference_step(reference::quantize_u8, spec);
  return std::make_unique<Quantize>(spec);
}

}  // namespace xnorkit
