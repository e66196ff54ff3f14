#include "program/arena.h"

#include <algorithm>
#include <new>

namespace xnorkit {

Layout place(const std::vector<Lifetime>& values) {
  Layout layout;
  std::vector<size_t> placed;
  for (size_t v = 0; v < values.size(); ++v) {
    const size_t bytes = (values[v].bytes + kAlignment - 1) / kAlignment * kAlignment;
    std::vector<std::pair<size_t, size_t>> taken;
    for (size_t other = 0; other < v; ++other) {
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
    layout.offset.push_back(offset);
    layout.bytes = std::max(layout.bytes, offset + bytes);
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
