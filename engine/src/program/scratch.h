// Memory that one step needs while it runs.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "program/arena.h"

namespace xnorkit {

// Buffers that concurrent runs borrow and give back, kept for the next run. As in Arenas, no call waits for a lock.
class Scratch {
 public:
  // A buffer of at least `bytes`.
  std::pair<size_t, Buffer> borrow(size_t bytes);
  void give_back(std::pair<size_t, Buffer> buffer);

 private:
  std::mutex mutex_;
  std::vector<std::pair<size_t, Buffer>> free_;
};

}  // namespace xnorkit
