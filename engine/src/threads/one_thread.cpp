// Where there are no threads (WebAssembly): the caller runs everything.
#include "threads/threads.h"
#include "xnorkit/isa.h"

namespace xnorkit {

void parallel_for(int64_t items, double, double, int, const std::function<void(int64_t, int64_t)>& body) {
  if (items > 0) body(0, items);
}

int default_threads() { return 1; }

}  // namespace xnorkit
