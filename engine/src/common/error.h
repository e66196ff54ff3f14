// Errors and checked sizes. Not for files that carry ISA flags.
#pragma once

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace xnorkit {

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw std::invalid_argument(message.str());
}

inline std::string shape_text(const std::vector<int64_t>& shape) {
  std::ostringstream text;
  text << "(";
  for (size_t i = 0; i < shape.size(); ++i) text << (i ? ", " : "") << shape[i];
  text << (shape.size() == 1 ? ",)" : ")");
  return text.str();
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
