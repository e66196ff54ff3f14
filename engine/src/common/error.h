// Errors and checked sizes. Not for files that carry ISA flags.
#pragma once

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace xnorkit {

#if !defined(__cpp_exceptions)
// A build without exceptions (WebAssembly) ends here; the program that the engine is part of keeps the message.
[[noreturn]] void end_with(const std::string& message);
#endif

// A number with at most so many digits. Not by a stream, whose locales would be half of a WebAssembly module.
inline std::string number_text(double number, int digits = 6) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", digits, number);
  return text;
}

// A part of a message: text as it is, numbers in decimal.
template <class Part>
void append_part(std::string& message, const Part& part) {
  if constexpr (std::is_floating_point_v<Part>) {
    message += number_text(part);
  } else if constexpr (std::is_integral_v<Part>) {
    static_assert(!std::is_same_v<Part, char> && !std::is_same_v<Part, bool>, "say what is meant in words");
    message += std::to_string(part);
  } else {
    message += part;
  }
}

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::string message;
  (append_part(message, parts), ...);
#if defined(__cpp_exceptions)
  throw std::invalid_argument(message);
#else
  end_with(message);
#endif
}

inline std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

// Product of non-negative factors, refused beyond `limit`.
inline int64_t checked_product(const char* what, std::initializer_list<int64_t> factors, int64_t limit) {
  int64_t product = 1;
  for (const int64_t factor : factors) {
    if (factor != 0 && product > limit / factor) {
      fail(what, ": received sizes ", shape_text(factors), ", whose product is too large; required at most ", limit);
    }
    product *= factor;
  }
  return product;
}

}  // namespace xnorkit
