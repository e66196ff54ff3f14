#include "common/numbers.h"

#include <clocale>
#include <cstdio>
#include <cstdlib>

namespace xnorkit {

// strtod reads the point of the program's locale.
double nearest_double(const std::string& literal) {
  std::string local = literal;
  const size_t place = literal.find('.');
  const char* const point = std::localeconv()->decimal_point;
  if (place != std::string::npos && point != nullptr && *point != '\0') local.replace(place, 1, point);
  return std::strtod(local.c_str(), nullptr);
}

std::string number_text(double number, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", digits, number);
  return text;
}

}  // namespace xnorkit
