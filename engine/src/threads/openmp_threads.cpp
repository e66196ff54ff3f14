#include "threads/openmp_threads.h"

#include <algorithm>
#include <atomic>

#if defined(__linux__)
#include <dlfcn.h>
#endif

#include "common/subnormals.h"
#include "threads/first_error.h"

namespace xnorkit {
namespace {

using Body = std::function<void(int64_t, int64_t)>;

// The entry that compilers call for `#pragma omp parallel`, part of libgomp's stable interface: function(data) on a team.
using Parallel = void (*)(void (*function)(void*), void* data, unsigned threads, unsigned flags);

constexpr int64_t kRangesPerThread = 8;

thread_local bool wanted = false;

Parallel find() {
#if defined(__linux__)
  return reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
#else
  return nullptr;
#endif
}

struct Job {
  std::atomic<int64_t> next{0};
  int64_t items;
  int64_t range;
  const Body* body;
  FirstError error;
};

// No exception may cross the library's frames.
void work(void* data) {
  const KeepSubnormals keep;
  Job& job = *static_cast<Job*>(data);
  job.error.guard([&job] {
    while (!job.error.raised()) {
      const int64_t begin = job.next.fetch_add(job.range, std::memory_order_relaxed);
      if (begin >= job.items) return;
      (*job.body)(begin, std::min(job.items, begin + job.range));
    }
  });
}

}  // namespace

OpenMpThreads::OpenMpThreads() : before_(wanted) { wanted = true; }
OpenMpThreads::~OpenMpThreads() { wanted = before_; }

bool run_on_openmp(int64_t items, int threads, const Body& body) {
  if (!wanted) return false;
  const Parallel parallel = find();  // not kept: a library may be loaded later
  if (parallel == nullptr) return false;
  Job job;
  job.items = items;
  job.range = std::max<int64_t>(1, items / (threads * kRangesPerThread));
  job.body = &body;
  parallel(work, &job, static_cast<unsigned>(threads), 0);
  job.error.rethrow();
  return true;
}

}  // namespace xnorkit
