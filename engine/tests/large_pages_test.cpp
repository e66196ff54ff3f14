// Memory of weights: whole, aligned and writable around the sizes where pages begin and end.
#include "common/large_pages.h"

#include <cstdint>

#include "check.h"

int main() {
  constexpr size_t kPage = size_t{1} << 21;
  for (const size_t bytes :
       {size_t{0}, size_t{4}, kPage / 2, kPage - 4096, kPage - 4, kPage, kPage + 4, 3 * kPage - 4}) {
    xnorkit::WeightVector<uint32_t> values(bytes / 4);
    CHECK(reinterpret_cast<uintptr_t>(values.data()) % 64 == 0, std::to_string(bytes));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint32_t>(i);
    const xnorkit::WeightVector<uint32_t> copy = values;
    values.assign(7, 1);
    uint64_t sum = 0;
    for (const uint32_t value : copy) sum += value;
    const uint64_t n = copy.size();
    CHECK(n == bytes / 4 && sum == (n == 0 ? 0 : n * (n - 1) / 2), std::to_string(bytes));
  }
  return check::finish();
}
