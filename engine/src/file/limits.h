// What a file may ask of its reader (docs/format.md, section 7).
#pragma once

#include <cstdint>
#include <string>

namespace xnorkit::file {

struct Limits {
  int64_t header = int64_t{1} << 21;
  int64_t nodes = 4096;
  int64_t padding = 4096;
  int64_t values = int64_t{1} << 27;
  int64_t plan = int64_t{1} << 26;
  int64_t work = int64_t{1} << 35;
};

constexpr int64_t kNoLimit = -1;

// Throws where `received` is more than `scale` times the limit called `name`; the texts around it say what it is.
void check_limit(const char* name, int64_t limit, double received, const std::string& before, const char* after,
                 double scale = 1.0);

}  // namespace xnorkit::file
