// How many threads are worth starting here.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "common/error.h"
#include "threads/threads.h"
#include "xnorkit/isa.h"

namespace xnorkit {
namespace {

#if defined(__linux__)
// CPUs that affinity allows, those that share a core counted once. 0 where the system does not say.
int allowed_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    std::string siblings;
    cores.insert(std::getline(file, siblings) ? siblings : "cpu" + std::to_string(cpu));
  }
  return static_cast<int>(cores.size());
}

// The control group's quota in whole CPUs, at least 1; 0 where there is none.
int quota_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0.0;
  double period = 0.0;
  if (!(file >> quota >> period) || !(period > 0.0)) return 0;
  return std::max(1, static_cast<int>(quota / period));
}
#else
int allowed_cores() { return 0; }
int quota_cores() { return 0; }
#endif

}  // namespace

int default_threads() {
  if (const char* wish = std::getenv("XNORKIT_THREADS"); wish != nullptr && *wish != '\0') {
    char* end = nullptr;
    const long count = std::strtol(wish, &end, 10);
    if (*end != '\0' || count < 1 || count > kMaxThreads) {
      fail("XNORKIT_THREADS is '", wish, "', but it must be a whole number from 1 to ", kMaxThreads, ".");
    }
    return static_cast<int>(count);
  }
  int cores = allowed_cores();
  if (cores == 0) cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (const int quota = quota_cores(); quota != 0) cores = std::min(cores, quota);
  return std::min(cores, kMaxThreads);
}

}  // namespace xnorkit
