// Max-pool on bits of one output pixel; the same on every instruction set, for it is a handful of words.
#pragma once

#include <cstdint>

namespace xnorkit {

// source: the window's first valid pixel; `rows` x `columns` valid pixels, row_step and column_step words apart.
void max_pool_words(const uint32_t* source, int64_t rows, int64_t row_step, int64_t columns, int64_t column_step,
                    const uint32_t* falling, int64_t words, uint32_t* result);

}  // namespace xnorkit
