// Runs a plan on one chunk of a batch.
#include "program/state.h"

namespace xnorkit {

void ProgramState::run_chunk(const Input& images, int64_t first, int64_t count, std::byte* arena, void* const* results,
                             int threads) const {
  const auto address = [&](int id) -> std::byte* {
    if (id < 0) return nullptr;
    const auto bytes = static_cast<size_t>(values[id].shape.bytes());
    if (id == 0 && in_place(input)) {
      // Steps only read their sources.
      auto* data = static_cast<std::byte*>(const_cast<void*>(images.data));
      return data + bytes * static_cast<size_t>(first);
    }
    if (output_index[id] < 0) return arena + offset[id] * static_cast<size_t>(count);
    return static_cast<std::byte*>(results[output_index[id]]) + bytes * static_cast<size_t>(first);
  };
  if (!in_place(input)) read_images(images, values[0].shape, first, count, normalization, address(0), threads);
  std::vector<const void*> sources;
  std::vector<void*> made;
  for (const Planned& planned : plan) {
    sources.clear();
    made.clear();
    for (const int id : planned.sources) sources.push_back(address(id));
    for (const int id : planned.results) made.push_back(address(id));
    planned.step->run({sources.data(), made.data()}, count, threads);
  }
}

}  // namespace xnorkit
