#include "program/scratch.h"

#include <new>

namespace xnorkit {

std::pair<size_t, Buffer> Scratch::borrow(size_t bytes) {
  {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    while (lock.owns_lock() && !free_.empty()) {
      std::pair<size_t, Buffer> buffer = std::move(free_.back());
      free_.pop_back();
      if (buffer.first >= bytes) return buffer;
    }
  }
  void* memory = ::operator new[](bytes, std::align_val_t{kAlignment});
  return {bytes, Buffer(static_cast<std::byte*>(memory))};
}

void Scratch::give_back(std::pair<size_t, Buffer> buffer) {
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) free_.push_back(std::move(buffer));
}

}  // namespace xnorkit
