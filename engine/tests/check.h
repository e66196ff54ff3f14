// A tiny test harness: CHECK reports and counts failures, `finish` is what main returns.
#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>

namespace check {

inline int failures = 0;
inline int checks = 0;

inline void report(bool ok, const char* file, int line, const std::string& what) {
  ++checks;
  if (ok) return;
  if (++failures <= 20) std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what.c_str());
}

#if defined(__cpp_exceptions)
template <class Body>
void throws(const Body& body, const std::string& fragment, const char* file, int line) {
  try {
    body();
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    report(message.find(fragment) != std::string::npos, file, line, "'" + fragment + "' is not in: " + message);
    return;
  }
  report(false, file, line, "nothing thrown; expected: " + fragment);
}
#endif

inline int finish() {
  std::printf("%d checks, %d failures\n", checks, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}

}  // namespace check

#define CHECK(condition, what) check::report((condition), __FILE__, __LINE__, std::string(#condition) + ": " + (what))
#if defined(__cpp_exceptions)
#define CHECK_THROWS(expression, fragment) check::throws([&] { expression; }, fragment, __FILE__, __LINE__)
#else
#define CHECK_THROWS(expression, fragment)  // a build without exceptions ends where the others throw
#endif
