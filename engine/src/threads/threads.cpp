#include "threads/threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include "common/subnormals.h"
#include "threads/first_error.h"
#include "threads/openmp_threads.h"

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

// Ranges that a thread's share is drawn in: the others take over what an interrupted thread has not begun.
constexpr int64_t kRangesPerThread = 8;

// One run's state in a word, so that joining is a single exchange: number of the run, open or closed, how many helpers
// it wants, how many are in it.
struct RunState {
  static constexpr uint64_t kOneInside = 1;
  static constexpr uint64_t kInside = 0xffff;
  static constexpr int kWantedShift = 16;
  static constexpr uint64_t kOpen = uint64_t{1} << 32;
  static constexpr int kNumberShift = 33;

  static uint64_t open(uint64_t number, int wanted) {
    return number << kNumberShift | kOpen | static_cast<uint64_t>(wanted) << kWantedShift;
  }
  static uint64_t number(uint64_t state) { return state >> kNumberShift; }
  static int wanted(uint64_t state) { return static_cast<int>(state >> kWantedShift & 0xffff); }
};

// Nobody waits for a worker that has not begun: a run is open while the caller works, helpers that come by join, and
// once the caller finds no more items it closes the run and waits only for those inside. A body that throws ends its
// run: every thread stops at its next range, the run is closed as ever, and the caller gets the exception.
class Pool {
 public:
  // Returns false if another thread is using the pool, or the process is ending.
  bool run(int64_t items, int threads, const Body& body) {
    const std::unique_lock<std::mutex> use(use_, std::try_to_lock);
    if (!use.owns_lock() || stopping_.load(std::memory_order_relaxed)) return false;
    threads = 1 + grow(std::min(threads, kMaxThreads) - 1);
    threads_ = threads;
    body_ = &body;
    // A thread starts with the same share of every step, whose values are then in its own cache.
    for (int t = 0; t < threads; ++t) {
      shares_[t].next.store(items * t / threads, std::memory_order_relaxed);
      shares_[t].end = items * (t + 1) / threads;
      shares_[t].range = std::max<int64_t>(1, items / (threads * kRangesPerThread));
    }
    const uint64_t number = RunState::number(state_.load(std::memory_order_relaxed)) + 1;
    // Sequentially consistent with `sleeping_`: either this store is seen before a worker sleeps, or the sleeper here.
    state_.store(RunState::open(number, threads - 1));
    if (sleeping_.load() > 0) {
      {
        const std::lock_guard<std::mutex> lock(sleep_);
      }
      wake_.notify_all();
    }
    error_.guard([this] { work(0); });
    state_.fetch_and(~RunState::kOpen, std::memory_order_acq_rel);
    for (int spins = 0; (state_.load(std::memory_order_acquire) & RunState::kInside) != 0; ++spins) {
      if (spins < kSpins) {
        relax();
      } else {
        std::this_thread::yield();
      }
    }
    error_.rethrow();
    return true;
  }

  // Joins the workers; the pool then refuses work. Its memory stays, for threads that outlive main.
  void stop() {
    const std::lock_guard<std::mutex> use(use_);
    {
      const std::lock_guard<std::mutex> lock(sleep_);
      stopping_.store(true);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

 private:
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
    int64_t range = 1;
  };

  // Returns how many of the wanted helpers there are: fewer where the system gives no more threads or memory for them.
  int grow(int helpers) {
    try {
      while (static_cast<int>(workers_.size()) < helpers) {
        const int index = static_cast<int>(workers_.size());
        workers_.emplace_back([this, index] { serve(index); });
      }
    } catch (const std::exception&) {
      return static_cast<int>(workers_.size());
    }
    return helpers;
  }

  // The own share first, then what is left of the others'.
  void work(int thread) {
    for (int i = 0; i < threads_; ++i) {
      Share& share = shares_[(thread + i) % threads_];
      while (!error_.raised()) {
        const int64_t begin = share.next.fetch_add(share.range, std::memory_order_relaxed);
        if (begin >= share.end) break;
        (*body_)(begin, std::min(share.end, begin + share.range));
      }
    }
  }

  // True where helper `index` is wanted in a run that it has not seen.
  static bool invites(uint64_t state, int index, uint64_t seen) {
    return (state & RunState::kOpen) != 0 && RunState::number(state) != seen && index < RunState::wanted(state);
  }

  void serve(int index) {
    const KeepSubnormals keep;  // a thread begins with the settings of the one that made it
    uint64_t seen = 0;
    for (;;) {
      uint64_t state = wait(index, seen);
      if (stopping_.load(std::memory_order_relaxed)) return;
      // The fields of a run may be read only from inside it.
      if (!invites(state, index, seen) ||
          !state_.compare_exchange_weak(state, state + RunState::kOneInside, std::memory_order_acq_rel)) {
        continue;
      }
      seen = RunState::number(state);
      error_.guard([this, index] { work(index + 1); });
      state_.fetch_sub(RunState::kOneInside, std::memory_order_release);
    }
  }

  // Returns when there is an invitation, or the pool stops.
  uint64_t wait(int index, uint64_t seen) {
    for (int spins = 0; spins < kSpins; ++spins) {
      const uint64_t state = state_.load(std::memory_order_acquire);
      if (invites(state, index, seen) || stopping_.load(std::memory_order_relaxed)) return state;
      relax();
    }
    std::unique_lock<std::mutex> lock(sleep_);
    sleeping_.fetch_add(1);
    wake_.wait(lock, [&] { return stopping_.load() || invites(state_.load(), index, seen); });
    sleeping_.fetch_sub(1);
    return state_.load(std::memory_order_acquire);
  }

  std::mutex use_;  // held by the caller that uses the pool
  std::vector<std::thread> workers_;

  std::mutex sleep_;  // held by a worker while it decides to sleep
  std::condition_variable wake_;
  std::atomic<int> sleeping_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> state_{0};

  // One run: written while it is closed and empty, read by those inside.
  int threads_ = 1;
  const Body* body_ = nullptr;
  FirstError error_;
  Share shares_[kMaxThreads];
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
#ifdef XNORKIT_SMALL
  cost = grain * threads;
#endif
  const double useful = std::min({static_cast<double>(threads), static_cast<double>(items), cost / grain});
  const int count = static_cast<int>(useful);
  if (items < 1) return;
  if (count >= 2 && (run_on_openmp(items, count, body) || pool().run(items, count, body))) return;
  body(0, items);
}

}  // namespace xnorkit
