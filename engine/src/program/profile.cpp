// What the steps of a program are, and how long each takes.
#include <algorithm>

#include "program/state.h"

namespace xnorkit {

std::vector<StepInfo> Program::steps() const {
  const ProgramState& s = *state_;
  if (!s.finished) fail("steps: the program is not finished; required: call finish first");
  std::vector<StepInfo> steps;
  if (s.makes_input()) steps.push_back({{"input"}, {0}, "", s.values[0].shape, 0.0});
  for (size_t i = 0; i < s.plan.size(); ++i) {
    const Planned& planned = s.plan[i];
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
  if (repeats < 1) fail("profile: repeats is ", repeats, "; required at least 1");
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
