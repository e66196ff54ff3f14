// Decimal numbers, read and written. The WebAssembly module leaves both to JavaScript.
#pragma once

#include <string>

namespace xnorkit {

// The double nearest to a number of JSON, infinite beyond the range; whatever the program's locale is.
double nearest_double(const std::string& literal);

// At most so many significant digits.
std::string number_text(double number, int digits);

}  // namespace xnorkit
