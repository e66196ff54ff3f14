#include "plan/arena.h"

#include <algorithm>
#include <numeric>

#include "plan/state.h"

namespace xnorkit {
namespace {

// A batch is run in chunks: enough images to fill tiles, few enough that their values stay in the second-level cache.
#ifdef XNORKIT_SMALL
constexpr int64_t kMaxChunk = 2;
#else
constexpr int64_t kMaxChunk = 16;
#endif
constexpr size_t kChunkBytes = size_t{1} << 20;

}  // namespace

Placement place(const std::vector<Lifetime>& values) {
  Placement placement;
  placement.offset.assign(values.size(), 0);
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a].bytes > values[b].bytes; });
  std::vector<size_t> placed;
  for (const size_t v : order) {
    if (values[v].bytes == 0) continue;
    const size_t bytes = (values[v].bytes + kAlignment - 1) / kAlignment * kAlignment;
    std::vector<std::pair<size_t, size_t>> taken;
    for (const size_t other : placed) {
      if (values[other].first <= values[v].last && values[v].first <= values[other].last) {
        taken.emplace_back(placement.offset[other], placement.offset[other] + values[other].bytes);
      }
    }
    std::sort(taken.begin(), taken.end());
    size_t offset = 0;
    for (const auto& [begin, end] : taken) {
      if (offset + bytes <= begin) break;
      offset = std::max(offset, (end + kAlignment - 1) / kAlignment * kAlignment);
    }
    placement.offset[v] = offset;
    placement.bytes = std::max(placement.bytes, offset + bytes);
    placed.push_back(v);
  }
  return placement;
}

// A value is alive from the step that writes it to the last step that reads it, both included; the input is there
// before step 0. Outputs, and an input that is read where the caller has it, take no place. A value that replaces a
// dying one of the same size shares its place and prolongs its life. Behind the values stands the scratch of each step,
// alive while it runs.
void ProgramState::place_values() {
  constexpr int kUnused = -2;
  std::vector<Lifetime> lives(values.size(), {0, kUnused, kUnused});
  lives[0] = {0, -1, -1};
  for (size_t i = 0; i < plan.size(); ++i) {
    const int now = static_cast<int>(i);
    for (const int id : plan[i].results) {
      if (id >= 0) lives[id] = {0, now, now};
    }
    for (const int id : plan[i].sources) lives[id].last = now;
  }
  for (size_t id = 0; id < values.size(); ++id) {
    const bool in_arena = lives[id].first != kUnused && output_index[id] < 0 && (id != 0 || makes_input());
    if (in_arena) lives[id].bytes = static_cast<size_t>(values[id].shape.bytes());
  }
  std::vector<int> place_of(values.size());
  std::iota(place_of.begin(), place_of.end(), 0);
  for (size_t i = 0; i < plan.size(); ++i) {
    const int result = plan[i].results[0];
    if (result < 0 || lives[result].bytes == 0) continue;
    for (const int source : plan[i].replaceable) {
      const int place = place_of[source];
      if (lives[place].last != static_cast<int>(i) || lives[place].bytes != lives[result].bytes) continue;
      place_of[result] = place;
      lives[place].last = lives[result].last;
      lives[result].bytes = 0;
      break;
    }
  }
  for (size_t i = 0; i < plan.size(); ++i) {
    lives.push_back({plan[i].step->scratch_bytes(), static_cast<int>(i), static_cast<int>(i)});
  }
  const Placement placement = place(lives);
  offset.resize(values.size());
  for (size_t id = 0; id < values.size(); ++id) offset[id] = placement.offset[place_of[id]];
  for (size_t i = 0; i < plan.size(); ++i) plan[i].scratch = placement.offset[values.size() + i];
  arena_bytes = placement.bytes;
  const auto fitting = static_cast<int64_t>(kChunkBytes / std::max<size_t>(arena_bytes, 1));
  chunk = std::min(kMaxChunk, std::max<int64_t>(1, fitting));
}

}  // namespace xnorkit
