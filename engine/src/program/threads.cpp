#include "program/threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace xnorkit {
namespace {

using Body = std::function<void(int64_t, int64_t)>;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Steps of a network follow each other within microseconds, waking a sleeping thread takes tens of them: so workers
// spin for about 50 microseconds before they sleep.
constexpr int kSpins = 2000;

class Pool {
 public:
  // Returns false if another thread is using the pool, or the process is ending.
  bool run(int64_t items, int threads, const Body& body) {
    const std::unique_lock<std::mutex> use(use_, std::try_to_lock);
    if (!use.owns_lock() || stopping_) return false;
    threads = 1 + grow(threads - 1);
    // Four ranges per thread, drawn from a counter: an interrupted thread holds up a quarter of its share at most.
    items_ = items;
    range_ = std::max<int64_t>(1, items / (4 * threads));
    body_ = &body;
    next_.store(0, std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(sleep_);
      helpers_ = threads - 1;
      pending_.store(threads - 1, std::memory_order_relaxed);
      epoch_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    work();
    for (int spins = 0; pending_.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins < kSpins) {
        relax();
      } else {
        std::this_thread::yield();
      }
    }
    return true;
  }

  // Joins the workers; the pool then refuses work. Its memory stays, for threads that outlive main.
  void stop() {
    const std::lock_guard<std::mutex> use(use_);
    {
      const std::lock_guard<std::mutex> lock(sleep_);
      stopping_ = true;
      epoch_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

 private:
  // Returns how many of the wanted helpers there are: fewer where the system gives no more threads.
  int grow(int helpers) {
    try {
      while (static_cast<int>(workers_.size()) < helpers) {
        const int index = static_cast<int>(workers_.size());
        workers_.emplace_back([this, index, seen = epoch_.load(std::memory_order_relaxed)] { serve(index, seen); });
      }
    } catch (const std::system_error&) {
      return static_cast<int>(workers_.size());
    }
    return helpers;
  }

  void work() {
    for (;;) {
      const int64_t begin = next_.fetch_add(range_, std::memory_order_relaxed);
      if (begin >= items_) return;
      (*body_)(begin, std::min(items_, begin + range_));
    }
  }

  // A worker takes part in a run if its index is below the count; only those are waited for, so only those may touch
  // the run's fields. `helpers_` is read under the lock because a bystander may read it during the next run's start.
  void serve(int index, uint64_t seen) {
    for (;;) {
      for (int spins = 0; spins < kSpins && epoch_.load(std::memory_order_acquire) == seen; ++spins) relax();
      bool mine;
      {
        std::unique_lock<std::mutex> lock(sleep_);
        wake_.wait(lock, [&] { return epoch_.load(std::memory_order_relaxed) != seen; });
        if (stopping_) return;
        seen = epoch_.load(std::memory_order_relaxed);
        mine = index < helpers_;
      }
      if (mine) {
        work();
        pending_.fetch_sub(1, std::memory_order_release);
      }
    }
  }

  std::mutex use_;  // held by the caller that uses the pool
  std::vector<std::thread> workers_;

  std::mutex sleep_;  // guards the two below and changes of epoch_
  int helpers_ = 0;
  bool stopping_ = false;
  std::condition_variable wake_;
  std::atomic<uint64_t> epoch_{0};

  // One run: written before epoch_ moves on, read by its helpers after.
  int64_t items_ = 0;
  int64_t range_ = 1;
  const Body* body_ = nullptr;
  std::atomic<int64_t> next_{0};
  std::atomic<int> pending_{0};
};

std::atomic<Pool*> current{nullptr};

struct StopAtExit {
  ~StopAtExit() { current.load()->stop(); }
};

Pool& pool() {
  static const bool ready = [] {
    current.store(new Pool);
#if defined(__unix__) || defined(__APPLE__)
    // A forked child has none of the parent's threads: it starts with a new pool and leaves the old one untouched.
    pthread_atfork(nullptr, nullptr, [] { current.store(new Pool); });
#endif
    return true;
  }();
  static const StopAtExit stop_at_exit;
  (void)ready;
  (void)stop_at_exit;
  return *current.load(std::memory_order_acquire);
}

}  // namespace

void parallel_for(int64_t items, double cost, double grain, int threads, const Body& body) {
  const double useful = std::min({static_cast<double>(threads), static_cast<double>(items), cost / grain});
  const int count = static_cast<int>(useful);
  if (items > 0 && (count < 2 || !pool().run(items, count, body))) body(0, items);
}

}  // namespace xnorkit
