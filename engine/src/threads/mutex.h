// A mutex; nothing in a build without threads (WebAssembly), whose standard library has none.
#pragma once

#include <mutex>

namespace xnorkit {

#if defined(__wasm__)
struct Mutex {
  void lock() {}
  bool try_lock() { return true; }
  void unlock() {}
};
#else
using Mutex = std::mutex;
#endif

}  // namespace xnorkit
