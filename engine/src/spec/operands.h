// What a step reads and writes.
#pragma once

namespace xnorkit {

// Each value holds `images` images one after the other.
struct Operands {
  // In the order of the operation's sources; behind them the operands of the tail, in the order of its list.
  const void* const* sources;
  // The operation's value, null where the tail stores none; behind it the tail's bits, where it makes any.
  void* const* results;
  // Step::scratch_bytes() of memory; what it holds is lost after the run.
  void* scratch = nullptr;

  template <class T>
  const T* source(int i = 0) const {
    return static_cast<const T*>(sources[i]);
  }
  template <class T>
  T* result(int i = 0) const {
    return static_cast<T*>(results[i]);
  }
};

}  // namespace xnorkit
