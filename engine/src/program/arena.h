// Buffers of a program: where each value lives, and the memory that runs borrow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace xnorkit {

constexpr size_t kAlignment = 64;

// A value's bytes, and the steps between which it is alive, both included.
struct Lifetime {
  size_t bytes;
  int first;
  int last;
};

struct Layout {
  std::vector<size_t> offset;  // multiples of kAlignment
  size_t bytes = 0;
};

// Values that are alive at the same time do not overlap; the others share memory. Greedy, the
// largest first: each value goes to the lowest place that is free during its life.
Layout place(const std::vector<Lifetime>& values);

struct Aligned {
  void operator()(std::byte* memory) const;
};
using Buffer = std::unique_ptr<std::byte[], Aligned>;

// Memory that concurrent runs borrow and give back. No call waits for a lock, so a child forked while another thread
// held it cannot hang: it allocates anew.
class Arenas {
 public:
  explicit Arenas(size_t bytes) : bytes_(bytes) {}
  Buffer borrow();
  void give_back(Buffer buffer);

 private:
  size_t bytes_;
  std::mutex mutex_;
  std::vector<Buffer> free_;
};

}  // namespace xnorkit
