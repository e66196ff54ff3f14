#include "threads/buffers.h"

#include <new>

namespace xnorkit {

void Aligned::operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t{kAlignment}); }

Buffer Buffers::borrow(size_t bytes) {
  {
    const std::unique_lock<Mutex> lock(mutex_, std::try_to_lock);
    while (lock.owns_lock() && !free_.empty()) {
      Buffer buffer = std::move(free_.back());
      free_.pop_back();
      if (buffer.bytes >= bytes) return buffer;
    }
  }
  auto* memory = static_cast<std::byte*>(::operator new[](bytes, std::align_val_t{kAlignment}));
  return {bytes, std::unique_ptr<std::byte[], Aligned>(memory)};
}

void Buffers::give_back(Buffer buffer) {
  const std::unique_lock<Mutex> lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) free_.push_back(std::move(buffer));
}

}  // namespace xnorkit
