#include "file/demands.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace xnorkit::file {
namespace {

constexpr double kPerNumber = 40;     // work of a number that an operation writes, or reads as an operand
constexpr double kPerFunction = 400;  // of a number that goes through exp, tanh or erf
constexpr double kPerTap = 24;        // of a tap that a pool reads, beside kPerPooled for each of its numbers or words
constexpr double kPerPooled = 4;
constexpr double kPerPosition = 1000;  // of one output pixel of a convolution or pool, beside its numbers
constexpr double kPerRun = 200;        // of a run of taps in the plan
constexpr double kPerInt8 = 2;
constexpr double kBitsPerWork = 16;  // 1-bit multiply-adds that take as long as one of float32
constexpr double kRunBytes = 16;
constexpr double kPositionBytes = 24;
constexpr double kLaneBytes = 16;  // of one output channel in its block: scale, bias, threshold
constexpr double kBlockBytes = 40;
constexpr double kFileTimes = 2;  // what a weight takes beyond twice its bytes in the file counts as plan
constexpr double kPixelTableBytes = 1024;

// Numbers are doubles: exact up to 2^53, and beyond that far above every limit but the absent one.
struct Demand {
  double work = 0;
  double plan = 0;
  double scratch = 0;
};

double up(double number, double multiple) { return std::ceil(number / multiple) * multiple; }

double elements(const Shape& value) { return static_cast<double>(value.elements()); }
double numbers(const Shape& value) { return static_cast<double>(value.pixels() * value.channels); }
double words(const Shape& value) { return static_cast<double>(value.words()); }

// A window's geometry along one axis. taps: valid ones of one output, at most; kinds: different ranges of valid taps.
struct Axis {
  double kernel;
  double taps;
  double kinds;
  double padded;

  double runs() const { return kinds * taps; }
};

double at(const Node& node, const char* name, size_t i, double absent) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return absent;
  return static_cast<double>(std::get<std::vector<int64_t>>(found->second)[i]);
}

bool has(const Node& node, const char* name) { return node.attributes.count(name) != 0; }

Axis axis_of(const Node& node, size_t axis, const Shape& source, const Shape& value) {
  const auto size = static_cast<double>(axis == 0 ? source.height : source.width);
  const auto outputs = static_cast<double>(axis == 0 ? value.height : value.width);
  const double kernel = at(node, "kernel", axis, size), stride = at(node, "stride", axis, 1);
  const double dilation = at(node, "dilation", axis, 1);
  const double before = at(node, "padding", axis, 0), after = at(node, "padding", axis + 2, 0);
  const double border = std::ceil(before / stride) + std::ceil(after / stride);
  // Both ends of the range of valid taps only decrease from one output to the next.
  const double kinds = std::min({outputs, border + 1, 2 * kernel + 3});
  return {kernel, std::min(kernel, std::ceil(size / dilation)), kinds, size + before + after};
}

bool begins(const Node& node, const char* family) { return node.op.rfind(family, 0) == 0; }

bool is_binary(const Node& node) { return node.op == "binary_conv2d" || node.op == "binary_linear"; }

bool is_layer(const Node& node) { return begins(node, "float_") || begins(node, "binary_") || begins(node, "int8_"); }

double groups_of(const Node& node) {
  const auto found = node.attributes.find("groups");
  return found == node.attributes.end() ? 1 : static_cast<double>(std::get<int64_t>(found->second));
}

// The bytes of a layer's weights in whole blocks of lanes, minus those that the file's size accounts for.
double arranged(const Node& node, double kernel, const Shape& source, const Shape& value) {
  const double groups = groups_of(node);
  const auto in = static_cast<double>(source.channels), out = static_cast<double>(value.channels);
  const bool depthwise = groups > 1 && groups == in && in == out;
  const double per_filter = std::floor(kernel * in / groups);
  if (groups > 1 && (is_binary(node) || begins(node, "int8_"))) return 0;  // widened weights, which the plan counts
  const double blocks = depthwise ? 1 : groups;
  const double lanes = blocks * up(std::floor(out / blocks), is_binary(node) ? 32 : 16);
  double filters = 0;
  if (is_binary(node)) {
    filters = 4 * lanes * kernel * words(source);
  } else if (begins(node, "binary_weight_")) {
    filters = depthwise ? 4 * lanes * per_filter : std::floor(lanes * per_filter / 8);
  } else {
    filters = (begins(node, "int8_") ? 2 : 4) * lanes * per_filter;
  }
  double in_file = 0;
  for (const auto& entry : node.tensors) in_file += static_cast<double>(bytes_of(entry.second));
  return std::max(0.0, filters + kLaneBytes * lanes + kBlockBytes * blocks - kFileTimes * in_file);
}

Demand convolution(double work, double plan, double scratch, double positions, double runs) {
  return {work + kPerPosition * positions + kPerRun * runs, plan + kPositionBytes * positions + kRunBytes * runs,
          scratch};
}

// A convolution, or a linear layer: a convolution whose kernel is the whole image.
Demand layer(const Node& node, const Shape& source, const Shape& value, double work) {
  const double groups = groups_of(node);
  const Axis down = axis_of(node, 0, source, value), right = axis_of(node, 1, source, value);
  const auto in = static_cast<double>(source.channels), out = static_cast<double>(value.channels);
  const auto positions = static_cast<double>(value.pixels()), width = static_cast<double>(value.width);
  const double runs = down.runs() * right.runs(), kinds = down.kinds * right.kinds;
  const double lanes = groups < out ? up(std::floor(out / groups), 16) * groups : out + 16;
  const double taps = down.taps * right.taps, kernel = down.kernel * right.kernel;
  const double per_group = std::floor(in / groups);
  const double padded = down.padded * right.padded;
  if (is_binary(node)) {
    // Words of a group, or of all groups that a block of 64 lanes reads; each kind of position has its own limits.
    const double all = words(source);
    const double read = groups > 1 ? std::min(all, std::ceil(64 * per_group / 32) + 1) : all;
    const double multiplied = std::floor(positions * taps * read * 32 * (out + 32) / kBitsPerWork);
    double plan = (groups > 1 ? 8 * kernel * read * (out + 64) : 0) + 8 * kinds * (out + 32);
    plan += groups == out ? 64 * down.kinds * width * words(value) : 0;
    plan += arranged(node, kernel, source, value);
    const double prepared = kinds * out * (groups > 1 ? kernel + width : 1);
    const double scratch = 4 * padded * all * 2 + 4 * positions * std::ceil(kernel * per_group / 32);
    return convolution(work + multiplied + kPerNumber * prepared, plan, scratch, positions, runs);
  }
  if (begins(node, "int8_")) {
    const double read = std::min(in, 64 * per_group);
    const double multiplied = kPerInt8 * positions * kernel * read * (out + 32);
    const double plan = kernel * (kRunBytes * std::ceil(out / 64) + (groups > 1 ? 2 * read * (out + 32) : 0)) +
                        arranged(node, kernel, source, value);
    return convolution(work + multiplied, plan, 2 * padded * in, positions, 0);
  }
  return convolution(work + positions * taps * per_group * lanes, arranged(node, kernel, source, value), 0, positions,
                     runs);
}

Demand pool(const Node& node, const Shape& source, const Shape& value, double work) {
  const double taps = axis_of(node, 0, source, value).taps * axis_of(node, 1, source, value).taps;
  const auto positions = static_cast<double>(value.pixels());
  const bool k_map = node.op == "k_map";
  const double pooled = k_map ? 0 : static_cast<double>(value.pixel_elements());
  work += kPerPosition * positions + (kPerTap + kPerPooled * pooled) * positions * taps;
  const double scratch = k_map ? 4 * static_cast<double>(source.pixels()) : 0;
  return {work, 32 * static_cast<double>(value.height + value.width), scratch};
}

Demand demand_of(const Node& node, const std::vector<Shape>& sources, const Shape& value) {
  double work = kPerNumber * elements(value);
  for (const Shape& source : sources) work += kPerNumber * elements(source);
  if (node.op == "activation") return {work + kPerFunction * numbers(value), 0, 0};
  if (is_layer(node)) return layer(node, sources[0], value, work);
  if (has(node, "kernel")) return pool(node, sources[0], value, work);
  if (node.op == "gather_channels") return {work + kPerNumber * numbers(value), 0, 0};
  if (node.op == "concat" && value.kind == Kind::bits) {
    return {work + kPerNumber * static_cast<double>(sources.size()) * static_cast<double>(value.pixels()), 0, 0};
  }
  return {work, 0, 0};
}

// The most bytes that are alive at once: a value lives from its node to the last one that reads it.
double alive_at_once(const Graph& graph, const Program& program, const std::vector<Demand>& demands) {
  const size_t count = graph.nodes.size();
  std::map<int, size_t> last{{graph.output, count}};
  for (size_t i = 0; i < count; ++i) {
    for (const int id : graph.nodes[i].inputs) last[id] = std::max(i, last[id]);
  }
  std::vector<double> ending(count + 1, 0.0);
  for (const auto& [id, index] : last) ending[index] += static_cast<double>(program.info(id).bytes());
  auto alive = static_cast<double>(program.info(0).bytes());
  double most = alive;
  for (size_t i = 0; i < count; ++i) {
    alive += static_cast<double>(program.info(static_cast<int>(i) + 1).bytes());
    most = std::max(most, alive + demands[i].scratch);
    alive -= ending[i];
  }
  return most;
}

}  // namespace

void check_limits(const Graph& graph, const Program& program, const Limits& limits, double scale) {
  double work = 0;
  double plan = graph.input.normalized ? kPixelTableBytes * static_cast<double>(graph.input.channels) : 0;
  std::vector<Demand> demands;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    for (size_t side = 0; side < 4; ++side) {
      check_limit("padding", limits.padding, at(node, "padding", side, 0), "node " + shown(node.name) + " pads ",
                  " pixels on a side");
    }
    std::vector<Shape> sources;
    for (const int id : node.inputs) sources.push_back(program.info(id));
    demands.push_back(demand_of(node, sources, program.info(static_cast<int>(i) + 1)));
    work += demands.back().work;
    plan += demands.back().plan;
  }
  check_limit("plan", limits.plan, plan, "the engine's plan takes about ", " bytes", scale);
  check_limit("work", limits.work, work, "an image takes about ", " multiply-adds, or work that takes as long", scale);
  check_limit("values", limits.values, alive_at_once(graph, program, demands), "an image takes about ",
              " bytes of values at once", scale);
}

}  // namespace xnorkit::file
