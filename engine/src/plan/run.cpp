// Runs a plan, chunk by chunk of a batch; says what its steps are, and how long each takes.
#include <algorithm>
#include <chrono>

#include "common/error.h"
#include "common/subnormals.h"
#include "plan/state.h"
#include "threads/threads.h"

namespace xnorkit {
namespace {

// Adds the time of body() to `*seconds` where that is given.
template <class Body>
void timed(double* seconds, const Body& body) {
  if (seconds == nullptr) return body();
  const auto start = std::chrono::steady_clock::now();
  body();
  *seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void ProgramState::check_run(const Input& images, int64_t count, int threads) const {
  if (threads < 1 || threads > kMaxThreads) {
    fail("run: threads is ", threads, ", but it must be from 1 to ", kMaxThreads, ".");
  }
  const Shape& shape = values[0].shape;
  if (input == InputKind::bits) check_padding_bits(static_cast<const uint32_t*>(images.data), count, shape);
  if (input != InputKind::f32 || images_step >= 0) return;
  const Images view{images, shape, normalization, false};
  const RowKernels& rows = kernels.rows == nullptr ? rows_portable : *kernels.rows;
  if (!rows.finite(view.image<float>(0), count * shape.elements())) view.fail_at_first_bad();
}

void ProgramState::run(const Input& images, int64_t count, void* const* results, int threads, double* times) const {
  const KeepSubnormals keep;
  Buffer arena = arenas.borrow(arena_bytes * static_cast<size_t>(chunk));
  for (int64_t first = 0; first < count; first += chunk) {
    run_chunk(images, first, std::min(chunk, count - first), arena.memory.get(), results, threads, times);
  }
  arenas.give_back(std::move(arena));
}

void ProgramState::run_chunk(const Input& images, int64_t first, int64_t count, std::byte* arena, void* const* results,
                             int threads, double* times) const {
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
  const Images view{images, values[0].shape, normalization, !in_place(input)};
  if (makes_input()) timed(times, [&] { read_images(view, first, count, address(0), threads); });
  std::vector<const void*> sources;
  std::vector<void*> made;
  for (size_t i = 0; i < plan.size(); ++i) {
    sources.clear();
    made.clear();
    for (const int id : plan[i].sources) sources.push_back(address(id));
    for (const int id : plan[i].results) made.push_back(address(id));
    const Operands operands{sources.data(), made.data(), arena + plan[i].scratch * static_cast<size_t>(count)};
    timed(times == nullptr ? nullptr : times + 1 + i, [&] {
      const Step& step = *plan[i].step;
      if (static_cast<int>(i) != images_step) return step.run(operands, count, threads);
      if (!step.run_images(view, first, count, operands.results, threads)) view.fail_at_first_bad();
    });
  }
}

std::vector<StepInfo> Program::steps() const {
  const ProgramState& s = *state_;
  if (!s.finished) fail("steps: the program is not finished, but it must be. Call finish first.");
  std::vector<StepInfo> steps;
  if (s.makes_input()) steps.push_back({{"input"}, {0}, "", s.values[0].shape, 0.0});
  for (size_t i = 0; i < s.plan.size(); ++i) {
    const PlannedStep& planned = s.plan[i];
    StepInfo info;
    if (static_cast<int>(i) == s.images_step && !in_place(s.input)) info.values.push_back(0);
    for (const int id : planned.members) info.values.push_back(id);
    for (const int id : info.values) info.operations.emplace_back(s.values[id].op);
    info.kernel = planned.step->kernel();
    const int result = planned.results[0] >= 0 ? planned.results[0] : planned.results[1];
    info.shape = s.values[result].shape;
    info.macs = planned.macs;
    steps.push_back(std::move(info));
  }
  return steps;
}

std::vector<double> Program::profile(const Input& input, int repeats, int threads) const {
  const ProgramState& s = *state_;
  const int64_t images = check_input(input);
  s.check_run(input, images, threads);
  if (repeats < 1) fail("profile: repeats is ", repeats, ", but it must be at least 1.");
  std::vector<std::vector<std::byte>> memory;
  std::vector<void*> results;
  for (const int id : s.outputs) memory.emplace_back(static_cast<size_t>(images * s.values[id].shape.bytes()));
  for (auto& bytes : memory) results.push_back(bytes.data());
  std::vector<std::vector<double>> times;
  for (int i = 0; i < repeats; ++i) {
    times.emplace_back(s.plan.size() + 1, 0.0);
    s.run(input, images, results.data(), threads, times.back().data());
  }
  std::vector<double> medians;
  // An input that is read by a step, or in place, takes none of its own.
  for (size_t step = s.makes_input() ? 0 : 1; step <= s.plan.size(); ++step) {
    std::vector<double> of_step;
    for (const auto& run : times) of_step.push_back(run[step]);
    std::nth_element(of_step.begin(), of_step.begin() + repeats / 2, of_step.end());
    medians.push_back(1e6 * of_step[static_cast<size_t>(repeats / 2)]);
  }
  return medians;
}

}  // namespace xnorkit
