#include "plan/fuse.h"

#include <algorithm>

#include "layout/bands.h"

namespace xnorkit {
namespace {

// Half of a usual second-level cache: the ring of a convolution with its pool shares it with weights and input.
#ifdef XNORKIT_SMALL  // what large networks meet, small ones of a fuzzer do
constexpr int64_t kRingBytes = int64_t{1} << 9;
#else
constexpr int64_t kRingBytes = int64_t{1} << 19;
#endif

// Operations that have a tail; a pooled convolution, which fusion makes, grows no further.
template <class Spec>
constexpr bool kHasTail = std::is_base_of_v<ConvSpec, Spec> || std::is_same_v<Spec, PointwiseChainSpec>;

const TailSpec* tail_in(const Operation& operation) {
  return std::visit(
      [](const auto& spec) -> const TailSpec* {
        if constexpr (kHasTail<std::decay_t<decltype(spec)>>) return &spec.tail;
        return nullptr;
      },
      operation);
}

// A tail grows only while its last value has a single reader, so nobody misses the values in between. The step then
// stands where its last pointwise operation stood: the operands were added before that, and the readers of the final
// value after it. Bits may thus be ready earlier than they were added, never later.
class Joiner {
 public:
  Joiner(std::vector<Value>& values, const std::vector<bool>& needed, const std::vector<int>& output_index)
      : values_(values), output_index_(output_index), readers_(values.size()), taken_(values.size()) {
    for (size_t id = 0; id < values.size(); ++id) {
      if (!needed[id]) continue;
      for (const int source : values[id].sources) readers_[source].push_back(static_cast<int>(id));
    }
  }

  bool taken(int id) const { return taken_[id]; }

  void grow(Fused& fused) {
    TailSpec* tail = tail_of(fused.operation);
    if (tail == nullptr) return;
    while (take_pointwise(fused, *tail)) continue;
    if (take_pool(fused)) tail = &std::get<PooledConvSpec>(fused.operation).after;
    take_pack(fused, *tail);
  }

 private:
  // The tail that the operation's step can run, or null.
  TailSpec* tail_of(Operation& operation) {
    on_strips_ = std::holds_alternative<PointwiseChainSpec>(operation);
    return std::visit(
        [](auto& spec) -> TailSpec* {
          if constexpr (kHasTail<std::decay_t<decltype(spec)>>) return fuses_tail(spec) ? &spec.tail : nullptr;
          return nullptr;
        },
        operation);
  }

  // Tiles take the operations that need no place in the image but their own pixel's.
  bool allowed(const PointwiseSpec& op, const Shape& shape) const {
    if (on_strips_) return true;
    if (op.has_operand()) return op.kind == kAddValue || op.kind == kMultiplyPixel;
    return op.values.empty() || op.values.size() == static_cast<size_t>(shape.channels);
  }

  bool take_pointwise(Fused& fused, TailSpec& tail) {
    const int last = fused.results[0];
    if (output_index_[last] >= 0 || readers_[last].size() != 1) return false;
    const int next = readers_[last][0];
    const auto* chain = std::get_if<PointwiseChainSpec>(&values_[next].operation);
    if (chain == nullptr || taken_[next]) return false;
    const std::vector<PointwiseSpec>& list = chain->tail.list;
    if (tail.list.size() + list.size() > kMaxFused) return false;
    for (const PointwiseSpec& op : list) {
      if (!allowed(op, chain->input)) return false;
    }
    const std::vector<int>& sources = values_[next].sources;
    if (sources.size() == 2) {
      // Sums and products of two values of one shape are the same either way round.
      const bool swapped = sources[1] == last;
      if (swapped && list[0].kind != kAddValue && list[0].kind != kMultiplyValue) return false;
      fused.sources.push_back(sources[swapped ? 0 : 1]);
    }
    tail.list.insert(tail.list.end(), list.begin(), list.end());
    fused.results[0] = next;
    fused.members.push_back(next);
    taken_[next] = true;
    return true;
  }

  // A pool joins a float convolution where the value between is too large for the cache, and rows of it suffice.
  bool take_pool(Fused& fused) {
    auto* conv = std::get_if<FloatConvSpec>(&fused.operation);
    const int last = fused.results[0];
    if (conv == nullptr || output_index_[last] >= 0 || readers_[last].size() != 1) return false;
    const int next = readers_[last][0];
    const auto* pool = std::get_if<PoolSpec>(&values_[next].operation);
    if (pool == nullptr || taken_[next] || conv->output.bytes() <= kRingBytes) return false;
    for (const PointwiseSpec& op : conv->tail.list) {
      if (op.has_operand()) return false;
    }
    PooledConvSpec joined{std::move(*conv), *pool, pool->output, {}, kRingBytes};
    if (make_bands(joined).ring_rows >= joined.conv.output.height) {
      *conv = std::move(joined.conv);
      return false;
    }
    fused.operation = std::move(joined);
    fused.results[0] = next;
    fused.members.push_back(next);
    taken_[next] = true;
    return true;
  }

  void take_pack(Fused& fused, TailSpec& tail) {
    const int last = fused.results[0];
    for (const int reader : readers_[last]) {
      auto* pack = std::get_if<PackSpec>(&values_[reader].operation);
      if (pack == nullptr || taken_[reader] || pack->per_position()) continue;
      tail.bits = true;
      tail.threshold = std::move(pack->threshold);
      tail.flip = std::move(pack->flip);
      tail.store = output_index_[last] >= 0 || readers_[last].size() > 1;
      if (!tail.store) fused.results[0] = -1;
      fused.results.push_back(reader);
      fused.members.push_back(reader);
      taken_[reader] = true;
      return;
    }
  }

  std::vector<Value>& values_;
  const std::vector<int>& output_index_;
  std::vector<std::vector<int>> readers_;
  std::vector<bool> taken_;
  bool on_strips_ = false;
};

}  // namespace

// A pointwise chain runs operation by operation over its result, so behind the first one an operand must not be that
// memory. A tile has all of its sums in registers before it stores any.
std::vector<int> Fused::replaceable() const {
  const auto* chain = std::get_if<PointwiseChainSpec>(&operation);
  std::vector<int> found;
  if (chain != nullptr) {
    found.push_back(sources[0]);
    const PointwiseKind first = chain->tail.list.front().kind;
    if (first == kAddValue || first == kMultiplyValue) found.push_back(sources[1]);
  } else if (const TailSpec* tail = tail_in(operation)) {
    size_t operand = 1;
    for (const PointwiseSpec& op : tail->list) {
      if (op.kind == kAddValue) found.push_back(sources[operand]);
      operand += op.has_operand() ? 1 : 0;
    }
  }
  // A source that is read twice is not: the step could meet it again.
  std::vector<int> once;
  for (const int id : found) {
    if (std::count(sources.begin(), sources.end(), id) == 1) once.push_back(id);
  }
  return once;
}

std::vector<Fused> fuse_operations(std::vector<Value>& values, const std::vector<bool>& needed,
                                   const std::vector<int>& output_index, bool join) {
  Joiner joiner(values, needed, output_index);
  std::vector<std::pair<int, Fused>> placed;
  for (int id = 1; id < static_cast<int>(values.size()); ++id) {
    if (!needed[id] || joiner.taken(id)) continue;
    Fused fused{std::move(values[id].operation), values[id].sources, {id}, {id}};
    int position = id;
    if (join) {
      joiner.grow(fused);
      if (fused.results[0] > id) position = fused.results[0];
      // A value that is not stored stands where its last operation before the pack stood.
      if (fused.results[0] < 0 && fused.members.size() > 2) position = fused.members[fused.members.size() - 2];
    }
    placed.emplace_back(position, std::move(fused));
  }
  std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Fused> steps;
  for (auto& [position, fused] : placed) steps.push_back(std::move(fused));
  return steps;
}

}  // namespace xnorkit
