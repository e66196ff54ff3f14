#include "xnorkit/program.h"

#include <algorithm>
#include <cmath>

#include "build/checks.h"
#include "dispatch/table.h"
#include "plan/state.h"
#include "xnorkit/isa.h"

namespace xnorkit {

Program::Program(const std::string& kind, int64_t height, int64_t width, int64_t channels, const std::string& isa)
    : state_(std::make_unique<ProgramState>(kernel_table(isa.empty() ? default_isa() : isa), input_kind(kind))) {
  check_size("height", height);
  check_size("width", width);
  check_size("channels", channels);
  const Shape shape{value_kind(state_->input), height, width, channels};
  check_shape_size("input", shape);
  state_->values.push_back({shape, {}, "input", {}});
}

Program::~Program() = default;
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;

namespace {

std::vector<float> finite(const char* what, const Array<float>& array, const std::vector<int64_t>& shape) {
  if (array.shape != shape) {
    fail(what, " has shape ", shape_text(array.shape), ", but it must be ", shape_text(shape), ".");
  }
  size_t size = 1;
  for (const int64_t length : shape) size *= static_cast<size_t>(length);
  std::vector<float> values(array.data, array.data + size);
  const auto bad = std::find_if_not(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
  if (bad != values.end()) {
    fail(what, " has ", *bad, " at flat index ", bad - values.begin(), ", but it must hold finite numbers.");
  }
  return values;
}

}  // namespace

void Program::set_uint8_table(const Array<float>& table) {
  state_->require_building("set_uint8_table");
  if (state_->input != InputKind::image) {
    fail("set_uint8_table: the input is not of kind 'image', but it must be.");
  }
  state_->normalization.table = finite("set_uint8_table: table", table, {state_->values[0].shape.channels, 256});
}

void Program::set_normalization(const Array<float>& mean, const Array<float>& std) {
  state_->require_building("set_normalization");
  if (state_->input != InputKind::pixels) {
    fail("set_normalization: the input is not of kind 'pixels', but it must be.");
  }
  const std::vector<int64_t> shape{state_->values[0].shape.channels};
  state_->normalization.mean = finite("set_normalization: mean", mean, shape);
  state_->normalization.std = finite("set_normalization: std", std, shape);
}

void Program::finish(const std::vector<int>& outputs, bool fuse) {
  ProgramState& s = *state_;
  s.require_building("finish");
  if (outputs.empty()) fail("finish: received no outputs, but there must be at least one.");
  std::vector<int> index(s.values.size(), -1);
  for (size_t i = 0; i < outputs.size(); ++i) {
    s.value("finish", outputs[i]);
    if (outputs[i] == 0) fail("finish: received value 0, the input itself, but outputs must be computed.");
    if (index[outputs[i]] >= 0) fail("finish: received value ", outputs[i], " twice, but outputs must be unique.");
    index[outputs[i]] = static_cast<int>(i);
  }
  s.outputs = outputs;
  s.output_index = std::move(index);
  s.make_plan(fuse);
  s.finished = true;
}

Shape Program::info(int value) const { return state_->value("info", value); }
const std::string& Program::isa() const { return state_->isa; }
const std::vector<int>& Program::outputs() const { return state_->outputs; }
size_t Program::arena_bytes() const { return state_->arena_bytes; }

size_t Program::weight_bytes() const {
  size_t bytes = 0;
  for (const PlannedStep& planned : state_->plan) bytes += planned.step->resident_bytes();
  return bytes;
}

int64_t Program::check_input(const Input& input) const {
  const ProgramState& s = *state_;
  if (!s.finished) fail("run: the program is not finished, but it must be. Call finish first.");
  check_input_array(s.input, s.values[0].shape, s.normalization, input);
  for (const int id : s.outputs) {
    checked_product("run: the images and the bytes of each result", {input.shape[0], s.values[id].shape.bytes()},
                    int64_t{1} << 46);
  }
  return input.shape[0];
}

void Program::run(const Input& input, void* const* results, int threads) const {
  const int64_t images = check_input(input);
  state_->check_run(input, images, threads);
  state_->run(input, images, results, threads, nullptr);
}

}  // namespace xnorkit
