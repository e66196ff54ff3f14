// A persistent pool of threads, grown to the largest count asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

namespace xnorkit {

constexpr int kMaxThreads = 256;

// Calls body(begin, end) on consecutive ranges that cover [0, items), from at most `threads` threads at once, this one
// included; returns when all are done. `cost` is the whole work and `grain` what one thread should get at least, in the
// same unit; small work, and work that finds the pool busy with another caller, runs here. An exception of the body, on
// whatever thread, is thrown here once no thread works any more; ranges that were not begun by then are left out.
void parallel_for(int64_t items, double cost, double grain, int threads,
                  const std::function<void(int64_t, int64_t)>& body);

// Calls body(item) for every item.
template <class Body>
void parallel_each(int64_t items, double cost, double grain, int threads, const Body& body) {
  parallel_for(items, cost, grain, threads, [&](int64_t begin, int64_t end) {
    for (; begin < end; ++begin) body(begin);
  });
}

// Calls body(part, first, count) for the stretches of [begin, end) that lie in one of the parts of `size` items.
template <class Body>
void for_each_part(int64_t begin, int64_t end, int64_t size, const Body& body) {
  while (begin < end) {
    const int64_t first = begin % size;
    const int64_t count = std::min(end - begin, size - first);
    body(begin / size, first, count);
    begin += count;
  }
}

}  // namespace xnorkit
