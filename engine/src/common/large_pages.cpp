#include "common/large_pages.h"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace xnorkit {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kPage = size_t{1} << 21;

// Bytes from the start that are worth large pages: whole pages, and the last one too where little of it stays empty, for
// it becomes resident as a whole. Layers that read all their weights once per image are bound by this: every 4 KiB page
// costs a look-up, and the prefetcher of the processor stops at its end.
size_t large_bytes(size_t bytes) {
  const size_t rest = bytes % kPage;
  const bool fill = rest != 0 && kPage - rest <= bytes / 16;
  return bytes - rest + (fill ? kPage : 0);
}

}  // namespace

void* allocate_large(size_t bytes) {
  const size_t large = large_bytes(bytes);
  if (large == 0) return ::operator new(bytes, std::align_val_t{kLine});
  void* memory = ::operator new(large > bytes ? large : bytes, std::align_val_t{kPage});
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // Advice: where the system declines, pages are as usual.
  madvise(memory, large, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_large(void* memory, size_t bytes) {
  ::operator delete(memory, std::align_val_t{large_bytes(bytes) == 0 ? kLine : kPage});
}

}  // namespace xnorkit
