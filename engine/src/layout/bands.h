// A value that is pooled as it is made: which of its rows are computed when, and where they lie.
#pragma once

#include <cstdint>
#include <vector>

#include "spec/operations.h"

namespace xnorkit {

// Rows [begin, end).
struct Rows {
  int64_t begin;
  int64_t end;

  int64_t count() const { return end - begin; }
};

// Rows of the pool, and the rows of its source that are computed for them: those that no band before has computed.
struct Band {
  Rows pool;
  Rows source;
};

// The bands of a pool, in order, and the rows of the ring that holds its source: row y lies at y % ring_rows. While a
// band is pooled the next one is computed, so the ring holds the rows that both need.
struct Bands {
  std::vector<Band> list;
  int64_t ring_rows;
};

// Bands of `pool_rows` rows, the last of those that are left.
Bands make_bands(const PoolSpec& pool, int64_t pool_rows);

// Bands as large as spec.ring_bytes allows, of at least one row.
Bands make_bands(const PooledConvSpec& spec);

}  // namespace xnorkit
