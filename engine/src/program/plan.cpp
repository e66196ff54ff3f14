// From values to steps: what the outputs need, in the order in which it was added, and where it lives.
#include <algorithm>

#include "program/state.h"

namespace xnorkit {
namespace {

// A batch is run in chunks: enough images to fill tiles, few enough that their values stay in the second-level cache.
constexpr int64_t kMaxChunk = 16;
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

void ProgramState::make_plan() {
  const std::vector<bool> needed = needed_values(values, outputs);
  for (size_t id = 1; id < values.size(); ++id) {
    if (!needed[id]) continue;
    Value& value = values[id];
    plan.push_back({make_any(kernels, std::move(value.operation)), value.sources, {static_cast<int>(id)}});
    value.operation = std::monostate();
  }
  place_values();
}

// A value is alive from the step that writes it to the last step that reads it, both included; the input is there
// before step 0. Outputs, and an input that is read where the caller has it, take no place.
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
    const bool in_arena = lives[id].first != kUnused && output_index[id] < 0 && !(id == 0 && in_place(input));
    if (in_arena) lives[id].bytes = static_cast<size_t>(values[id].shape.bytes());
  }
  const Layout layout = place(lives);
  offset = layout.offset;
  arena_bytes = layout.bytes;
  const auto fitting = static_cast<int64_t>(kChunkBytes / std::max<size_t>(arena_bytes, 1));
  chunk = std::min(kMaxChunk, std::max<int64_t>(1, fitting));
  arenas = std::make_unique<Arenas>(arena_bytes * static_cast<size_t>(chunk));
}

}  // namespace xnorkit
