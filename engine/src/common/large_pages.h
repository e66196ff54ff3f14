// Memory for weights: large arrays lie in pages of 2 MiB where the system has them.
#pragma once

#include <cstddef>
#include <vector>

namespace xnorkit {

// Memory of at least `bytes`, aligned to a cache line. Throws std::bad_alloc.
void* allocate_large(size_t bytes);
void free_large(void* memory, size_t bytes);

template <class T>
struct LargePages {
  using value_type = T;

  LargePages() = default;
  template <class Other>
  explicit LargePages(const LargePages<Other>&) {}

  T* allocate(size_t count) { return static_cast<T*>(allocate_large(count * sizeof(T))); }
  void deallocate(T* memory, size_t count) { free_large(memory, count * sizeof(T)); }

  friend bool operator==(const LargePages&, const LargePages&) { return true; }
  friend bool operator!=(const LargePages&, const LargePages&) { return false; }
};

template <class T>
using WeightVector = std::vector<T, LargePages<T>>;

}  // namespace xnorkit
