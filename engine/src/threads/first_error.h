// Exceptions of a parallel loop's body: the first one reaches the caller of the loop, and the other threads stop early.
#pragma once

#include <atomic>
#include <exception>
#include <utility>

namespace xnorkit {

class FirstError {
 public:
  // Calls work(), and keeps what it throws unless there is an exception already.
  template <class Work>
  void guard(const Work& work) noexcept {
    try {
      work();
    } catch (...) {
      if (!raised_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
    }
  }

  bool raised() const { return raised_.load(std::memory_order_relaxed); }

  // Once no thread works any more: throws what was kept, if anything, and is as new.
  void rethrow() {
    if (!raised()) return;
    raised_.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  std::atomic<bool> raised_{false};
  std::exception_ptr error_;
};

}  // namespace xnorkit
