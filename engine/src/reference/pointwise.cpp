#include <algorithm>

#include "reference/reference.h"

namespace xnorkit::reference {
namespace {

float apply(const PointwiseSpec& op, const Shape& shape, const float* operand, int64_t n, int64_t position, int64_t c,
            float y) {
  const int64_t pixel = n * shape.pixels() + position;
  const bool per_position = op.values.size() != static_cast<size_t>(shape.channels);
  const int64_t constant = per_position ? position * shape.channels + c : c;
  switch (op.kind) {
    case kAddValue: return y + operand[pixel * shape.channels + c];
    case kAddPixel: return y + operand[pixel];
    case kAddChannel: return y + operand[n * shape.channels + c];
    case kMultiplyValue: return y * operand[pixel * shape.channels + c];
    case kMultiplyPixel: return y * operand[pixel];
    case kMultiplyChannel: return y * operand[n * shape.channels + c];
    case kScale: return y * op.values[constant];
    case kShift: return y + op.values[constant];
    case kClip: y = y > op.low ? y : op.low; return y < op.high ? y : op.high;
    case kPrelu: return y >= 0.0f ? y : y * op.values[c];
  }
  return y;
}

}  // namespace

void store_tail(const TailSpec& tail, const Shape& shape, const float* floats, const Operands& io, int64_t images) {
  auto* const result = tail.store ? io.result<float>() : nullptr;
  auto* const bits = tail.bits ? io.result<uint32_t>(1) : nullptr;
  const int64_t words = shape.words();
  if (tail.bits) std::fill_n(bits, images * shape.pixels() * words, 0u);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t position = 0; position < shape.pixels(); ++position)
      for (int64_t c = 0; c < shape.channels; ++c) {
        const int64_t pixel = n * shape.pixels() + position;
        float y = floats[pixel * shape.channels + c];
        int next = 1;
        for (const PointwiseSpec& op : tail.list) {
          const auto* operand = op.has_operand() ? io.source<float>(next++) : nullptr;
          y = apply(op, shape, operand, n, position, c, y);
        }
        if (tail.store) result[pixel * shape.channels + c] = y;
        if (tail.bits) set_bit(bits + pixel * words, c, (y < tail.threshold[c]) != (tail.flip[c] != 0));
      }
}

void pointwise(const PointwiseChainSpec& spec, const Operands& io, int64_t images) {
  store_tail(spec.tail, spec.input, io.source<float>(), io, images);
}

}  // namespace xnorkit::reference
