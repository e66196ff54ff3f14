// From values to steps: what the outputs need, in the order in which it was added, and where it lives.
#include <algorithm>
#include <numeric>

#include "program/fuse.h"
#include "program/macs.h"
#include "program/state.h"

namespace xnorkit {
namespace {

// A batch is run in chunks: enough images to fill tiles, few enough that their values stay in the second-level cache.
#ifdef XNORKIT_SMALL
constexpr int64_t kMaxChunk = 2;
#else
constexpr int64_t kMaxChunk = 16;
#endif
constexpr size_t kChunkBytes = size_t{1} << 20;

std::unique_ptr<Step> make_any(const KernelTable& table, Operation operation) {
  return std::visit(
      [&](auto& spec) -> std::unique_ptr<Step> {
        if constexpr (std::is_same_v<std::decay_t<decltype(spec)>, std::monostate>) {
          return nullptr;
        } else {
          return make_step(table, std::move(spec));
        }
      },
      operation);
}

std::vector<bool> needed_values(const std::vector<Value>& values, const std::vector<int>& outputs) {
  std::vector<bool> needed(values.size(), false);
  for (const int id : outputs) needed[id] = true;
  for (size_t id = values.size(); id-- > 0;) {
    for (const int source : values[id].sources) needed[source] = needed[source] || needed[id];
  }
  return needed;
}

}  // namespace

void ProgramState::make_plan(bool fuse) {
  // The reference stays apart from the steps that are compared with it.
  const bool join = fuse && kernels.rows != nullptr;
  for (Group& group : group_operations(kernels, values, needed_values(values, outputs), output_index, join)) {
    Planned planned;
    planned.macs = count_macs(group.operation);
    planned.replaceable = group.replaceable();
    planned.step = make_any(kernels, std::move(group.operation));
    planned.sources = std::move(group.sources);
    planned.results = std::move(group.results);
    planned.members = std::move(group.members);
    plan.push_back(std::move(planned));
  }
  for (Value& value : values) value.operation = std::monostate();
  if (join) choose_images_step();
  place_values();
}

// Where a single step reads the input, and can read it as the caller has it, value 0 need not be made.
void ProgramState::choose_images_step() {
  if (values[0].shape.kind != Kind::f32) return;
  std::vector<int> readers;
  for (size_t i = 0; i < plan.size(); ++i) {
    if (std::count(plan[i].sources.begin(), plan[i].sources.end(), 0) != 0) readers.push_back(static_cast<int>(i));
  }
  if (readers.size() == 1 && plan[readers[0]].step->reads_images()) images_step = readers[0];
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
  const Layout layout = place(lives);
  offset.resize(values.size());
  for (size_t id = 0; id < values.size(); ++id) offset[id] = layout.offset[place_of[id]];
  for (size_t i = 0; i < plan.size(); ++i) plan[i].scratch = layout.offset[values.size() + i];
  arena_bytes = layout.bytes;
  const auto fitting = static_cast<int64_t>(kChunkBytes / std::max<size_t>(arena_bytes, 1));
  chunk = std::min(kMaxChunk, std::max<int64_t>(1, fitting));
  arenas = std::make_unique<Arenas>(arena_bytes * static_cast<size_t>(chunk));
}

}  // namespace xnorkit
