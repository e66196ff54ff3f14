#include "kernels/max_pool/max_pool_words.h"

namespace xnorkit {

// AND where f = 0, OR where f = 1. By De Morgan a | b = ~(~a & ~b), hence both are ((a ^ f) & (b ^ f)) ^ f.
void max_pool_words(const uint32_t* source, int64_t rows, int64_t row_step, int64_t columns, int64_t column_step,
                    const uint32_t* falling, int64_t words, uint32_t* result) {
  for (int64_t i = 0; i < words; ++i) {
    uint32_t all = ~0u;
    for (int64_t y = 0; y < rows; ++y)
      for (int64_t x = 0; x < columns; ++x) all &= source[y * row_step + x * column_step + i] ^ falling[i];
    result[i] = all ^ falling[i];
  }
}

}  // namespace xnorkit
