#include "common/error.h"

#include <stdexcept>

#include "common/numbers.h"

namespace xnorkit {

void Part::append_to(std::string& message) const {
  switch (type_) {
    case Type::text: message += text_; return;
    case Type::integer: message += std::to_string(integer_); return;
    case Type::natural: message += std::to_string(static_cast<uint64_t>(integer_)); return;
    case Type::real: message += number_text(real_, 6);
  }
}

void fail_with(std::initializer_list<Part> parts) {
  std::string message;
  for (const Part& part : parts) part.append_to(message);
#if defined(__cpp_exceptions)
  throw std::invalid_argument(message);
#else
  end_with(message);
#endif
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

int64_t checked_product(const char* what, std::initializer_list<int64_t> factors, int64_t limit) {
  int64_t product = 1;
  for (const int64_t factor : factors) {
    if (factor != 0 && product > limit / factor) {
      fail(what, " are ", shape_text(factors), ", but their product must be at most ", limit, ".");
    }
    product *= factor;
  }
  return product;
}

}  // namespace xnorkit
