#include "layout/bands.h"

#include <algorithm>

namespace xnorkit {
namespace {

// Source rows from the first tap of the first window to the last tap of the last one. Both ends never decrease from
// band to band; the rows of valid taps alone would, where taps are apart.
Rows window_rows(const PoolSpec& pool, Rows pool_rows) {
  const Geometry& g = pool.geometry;
  const int64_t first = pool_rows.begin * g.stride[0] - g.padding[0];
  const int64_t end = (pool_rows.end - 1) * g.stride[0] - g.padding[0] + (g.kernel[0] - 1) * g.dilation[0] + 1;
  const int64_t begin = std::clamp<int64_t>(first, 0, pool.input.height);
  return {begin, std::clamp(end, begin, pool.input.height)};
}

}  // namespace

// While a band is computed, the rows from the first of the band before, which is being pooled, to the last of its own
// are alive; in a ring that long they do not meet.
Bands make_bands(const PoolSpec& pool, int64_t pool_rows) {
  Bands bands{{}, 1};
  int64_t computed = 0;
  int64_t alive = 0;
  for (int64_t row = 0; row < pool.output.height; row += pool_rows) {
    const Rows own{row, std::min(row + pool_rows, pool.output.height)};
    const Rows needed = window_rows(pool, own);
    const Rows fresh{std::max(needed.begin, computed), std::max(needed.end, computed)};
    bands.ring_rows = std::max(bands.ring_rows, fresh.end - alive);
    bands.list.push_back({own, fresh});
    alive = needed.begin;
    computed = fresh.end;
  }
  return bands;
}

Bands make_bands(const PooledConvSpec& spec) {
  const int64_t row_bytes = spec.pool.input.bytes() / spec.pool.input.height;
  Bands best = make_bands(spec.pool, 1);
  for (int64_t rows = 2; rows <= spec.output.height; ++rows) {
    Bands bands = make_bands(spec.pool, rows);
    if (bands.ring_rows * row_bytes > spec.ring_bytes) break;
    best = std::move(bands);
  }
  return best;
}

}  // namespace xnorkit
