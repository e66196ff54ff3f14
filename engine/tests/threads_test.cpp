// The pool: every item once, whoever asks, also in a forked child and while another caller has the pool.
#include "threads/threads.h"

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <atomic>
#include <chrono>
#include <new>
#include <stdexcept>
#include <thread>

#include "data.h"

namespace {

constexpr int kItems = 1000;

bool covers(int items, int threads) {
  std::vector<std::atomic<int>> visits(items);
  xnorkit::parallel_for(items, 1e9, 1.0, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++visits[i];
  });
  for (const auto& count : visits) {
    if (count != 1) return false;
  }
  return true;
}

// Waits, two seconds at most, until `count` is at least `wanted`. How long a sleep takes depends on the system.
void await(const std::atomic<int>& count, int wanted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (count < wanted && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::microseconds(100));
}

int helpers_seen(int threads) {
  std::atomic<int> waiting{0};
  std::atomic<int> most{0};
  // Each range holds its thread until all have one, or the wait ends: so a missing helper shows.
  xnorkit::parallel_for(threads, 1e9, 1.0, threads, [&](int64_t, int64_t) {
    ++waiting;
    await(waiting, threads);
    most = std::max(most.load(), waiting.load());
  });
  return most;
}

// Whether an exception in the body, thrown by this thread or by another one, arrives here.
bool arrives(bool here, int threads) {
  const auto caller = std::this_thread::get_id();
  std::atomic<int> began{0};
  try {
    xnorkit::parallel_for(threads, 1e9, 1.0, threads, [&](int64_t, int64_t) {
      ++began;
      // Each range holds its thread until another one has begun, so that both kinds of thread have one.
      await(began, 2);
      if ((std::this_thread::get_id() == caller) == here) throw std::bad_alloc();
    });
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

}  // namespace

int main() {
  for (const int threads : {1, 2, 3, 5, 2, 1, 8}) {
    for (const int items : {0, 1, 2, 3, 7, kItems}) CHECK(covers(items, threads), std::to_string(threads) + " threads");
  }
  CHECK(helpers_seen(3) == 3, "three threads at once");

  int calls = 0;
  xnorkit::parallel_for(kItems, 1.0, 1.0, 8, [&](int64_t begin, int64_t end) { calls += begin == 0 && end == kItems; });
  CHECK(calls == 1, "small work stays here, in one piece");

  for (int i = 0; i < 50; ++i) {
    CHECK(arrives(true, 2) && covers(kItems, 3), "an exception of the caller's own part, then whole work");
    CHECK(arrives(false, 2) && covers(kItems, 3), "an exception of a worker's part, then whole work");
  }
  try {
    xnorkit::parallel_for(kItems, 1e9, 1.0, 4,
                          [](int64_t begin, int64_t) { throw std::out_of_range(std::to_string(begin)); });
    CHECK(false, "an exception on every thread");
  } catch (const std::out_of_range&) {
  }

  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) wrong += !covers(50, 3);
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0, "several callers");

  // Neither the thread sanitizer nor the emulator follows threads made in a child of a process with threads.
#if !defined(__SANITIZE_THREAD__) && !defined(XNORKIT_EMULATED) && !defined(_WIN32)
  const pid_t child = fork();
  if (child == 0) std::exit(covers(kItems, 3) && helpers_seen(3) == 3 ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "forked child");
  CHECK(covers(kItems, 3), "parent after a fork");
#endif
  return check::finish();
}
