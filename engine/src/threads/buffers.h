// Memory that concurrent runs borrow.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "threads/mutex.h"

namespace xnorkit {

constexpr size_t kAlignment = 64;

struct Aligned {
  void operator()(std::byte* memory) const;
};

struct Buffer {
  size_t bytes;
  std::unique_ptr<std::byte[], Aligned> memory;
};

// Buffers that are kept for the next run. No call waits for a lock, so a child forked while another thread held it
// cannot hang: it allocates anew.
class Buffers {
 public:
  // A buffer of at least `bytes`.
  Buffer borrow(size_t bytes);
  void give_back(Buffer buffer);

 private:
  Mutex mutex_;
  std::vector<Buffer> free_;
};

}  // namespace xnorkit
