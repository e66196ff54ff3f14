// From values to steps: what the outputs need, in the order in which it was added.
#include <algorithm>

#include "layout/regions.h"
#include "plan/fuse.h"
#include "plan/state.h"

namespace xnorkit {
namespace {

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

// Valid taps of all output rows, or columns: those of a pixel are a product of the two.
double all_taps(const WindowSpec& spec, int axis) {
  double taps = 0.0;
  const Lines lines = make_lines(spec, axis);
  for (const size_t range : lines.range_of) taps += static_cast<double>(lines.ranges[range].count());
  return taps;
}

double conv_macs(const ConvSpec& spec) {
  return all_taps(spec, 0) * all_taps(spec, 1) * static_cast<double>(spec.group_channels() * spec.output.channels);
}

// Multiply-adds of one image; taps outside the image are not counted. 0 for what is no convolution.
double count_macs(const Operation& operation) {
  return std::visit(
      [](const auto& spec) {
        using Spec = std::decay_t<decltype(spec)>;
        if constexpr (std::is_base_of_v<ConvSpec, Spec>) return conv_macs(spec);
        if constexpr (std::is_same_v<Spec, PooledConvSpec>) return conv_macs(spec.conv);
        return 0.0;
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
  for (Fused& fused : fuse_operations(values, needed_values(values, outputs), output_index, join)) {
    PlannedStep planned;
    planned.macs = count_macs(fused.operation);
    planned.replaceable = fused.replaceable();
    planned.step = make_any(kernels, std::move(fused.operation));
    planned.sources = std::move(fused.sources);
    planned.results = std::move(fused.results);
    planned.members = std::move(fused.members);
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

}  // namespace xnorkit
