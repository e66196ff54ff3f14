#include "program/arena.h"

#include <algorithm>
#include <new>
#include <numeric>

namespace xnorkit {

Layout place(const std::vector<Lifetime>& values) {
  Layout layout;
  layout.offset.assign(values.size(), 0);
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a].bytes > values[b].bytes; });
  std::vector<size_t> placed;
  for (const size_t v : order) {
    if (values[v].bytes == 0) continue;
    const size_t bytes = (values[v].bytes + kAlignment - 1) / kAlignment * kAlignment;
    std::vector<std::pair<size_t, size_t>> taken;
    for (const size_t other : placed) {
      if (values[other].first <= values[v].last && values[v].first <= values[other].last) {
        taken.emplace_back(layout.offset[other], layout.offset[other] + values[other].bytes);
      }
    }
    std::sort(taken.begin(), taken.end());
    size_t offset = 0;
    for (const auto& [begin, end] : taken) {
      if (offset + bytes <= begin) break;
      offset = std::max(offset, (end + kAlignment - 1) / kAlignment * kAlignment);
    }
    layout.offset[v] = offset;
    layout.bytes = std::max(layout.bytes, offset + bytes);
    placed.push_back(v);
  }
  return layout;
}

void Aligned::operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t{kAlignment}); }

Buffer Arenas::borrow() {
  {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (lock.owns_lock() && !free_.empty()) {
      Buffer buffer = std::move(free_.back());
      free_.pop_back();
      return buffer;
    }
  }
  return Buffer(static_cast<std::byte*>(::operator new[](std::max<size_t>(bytes_, 1), std::align_val_t{kAlignment})));
}

void Arenas::give_back(Buffer buffer) {
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) free_.push_back(std::move(buffer));
}

}  // namespace xnorkit
