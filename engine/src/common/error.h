// Errors and checked sizes. Not for files that carry ISA flags.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace xnorkit {

// A part of a message: text or a number.
class Part {
 public:
  Part(const char* text) : Part(std::string_view(text)) {}
  Part(const std::string& text) : Part(std::string_view(text)) {}
  Part(std::string_view text) : type_(Type::text), text_(text) {}
  template <class T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  Part(T number) : type_(std::is_signed_v<T> ? Type::integer : Type::natural), integer_(static_cast<int64_t>(number)) {}
  Part(double number) : type_(Type::real), real_(number) {}

  void append_to(std::string& message) const;

 private:
  enum class Type { text, integer, natural, real };
  Type type_;
  union {
    std::string_view text_;
    int64_t integer_;  // a natural one modulo 2^64
    double real_;
  };
};

#if !defined(__cpp_exceptions)
// A build without exceptions (WebAssembly) ends here; the program that the engine is part of keeps the message.
[[noreturn]] void end_with(const std::string& message);
#endif

// Throws std::invalid_argument whose message is the parts, one after the other.
[[noreturn]] void fail_with(std::initializer_list<Part> parts);

template <class... Parts>
[[noreturn, gnu::cold]] void fail(const Parts&... parts) {
  fail_with({Part(parts)...});
}

std::string shape_text(const std::vector<int64_t>& shape);

// Product of non-negative factors, refused beyond `limit`; `what` names them in the plural.
int64_t checked_product(const char* what, std::initializer_list<int64_t> factors, int64_t limit);

}  // namespace xnorkit
