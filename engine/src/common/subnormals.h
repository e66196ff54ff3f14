// Subnormal floats as IEEE 754 has them, whatever the caller's thread is set to. Some libraries switch threads to treat
// them as 0 (FTZ and DAZ of x86, FZ of Arm); then x < t is false for x = 0 and the smallest t above it, which is the
// threshold of x > 0.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace xnorkit {

// Keeps subnormal numbers in this thread while it lives, then restores the thread's own setting.
class KeepSubnormals {
 public:
  KeepSubnormals() : before_(get()) {
    if ((before_ & kFlush) != 0) set(before_ & ~kFlush);
  }
  ~KeepSubnormals() {
    if ((before_ & kFlush) != 0) set(get() | (before_ & kFlush));
  }
  KeepSubnormals(const KeepSubnormals&) = delete;
  KeepSubnormals& operator=(const KeepSubnormals&) = delete;

 private:
#if defined(__x86_64__) || defined(_M_X64)
  static constexpr uint64_t kFlush = 0x8040;  // MXCSR: FTZ, DAZ
  static uint64_t get() { return _mm_getcsr(); }
  static void set(uint64_t word) { _mm_setcsr(static_cast<unsigned>(word)); }
#elif defined(__aarch64__)
  static constexpr uint64_t kFlush = uint64_t{1} << 24;  // FPCR: FZ
  static uint64_t get() {
    uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void set(uint64_t word) { __asm__ volatile("msr fpcr, %0" : : "r"(word)); }
#else
  static constexpr uint64_t kFlush = 0;
  static uint64_t get() { return 0; }
  static void set(uint64_t) {}
#endif

  uint64_t before_;
};

}  // namespace xnorkit
