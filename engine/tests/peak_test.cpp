// The peak of every instruction set can be measured.
#include "data.h"

int main() {
  for (const std::string& isa : xnorkit::isas()) {
    CHECK(xnorkit::peak_binary_gmacs(isa, 2.0) > 0.0, isa);
    CHECK(xnorkit::peak_float_gmacs(isa, 2.0) > 0.0, isa);
  }
  CHECK_THROWS(xnorkit::peak_binary_gmacs("sse9", 2.0), "isa is 'sse9'");
  CHECK_THROWS(xnorkit::peak_binary_gmacs("portable", 0.0), "milliseconds is 0");
  return check::finish();
}
