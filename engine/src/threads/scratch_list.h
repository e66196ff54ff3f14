// Memory that the bodies of a parallel loop borrow: made before the loop, since a body allocates nothing.
#pragma once

#include <cstddef>
#include <vector>

#include "common/large_pages.h"
#include "threads/mutex.h"

namespace xnorkit {

template <class Scratch>
class ScratchList {
 public:
  template <class Make>
  ScratchList(int threads, const Make& make) {
    for (int t = 0; t < threads; ++t) all_.push_back(make());
    for (Scratch& scratch : all_) free_.push_back(&scratch);
  }

  // Calls use(scratch) with one that nobody else has.
  template <class Use>
  void with(const Use& use) {
    Scratch* scratch;
    {
      const std::lock_guard<Mutex> lock(mutex_);
      scratch = free_.back();
      free_.pop_back();
    }
    use(*scratch);
    const std::lock_guard<Mutex> lock(mutex_);
    free_.push_back(scratch);
  }

  const std::vector<Scratch>& all() const { return all_; }

 private:
  std::vector<Scratch> all_;
  std::vector<Scratch*> free_;
  Mutex mutex_;
};

}  // namespace xnorkit
