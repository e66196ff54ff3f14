#include "file/model.h"

#include <algorithm>

#include "common/error.h"
#include "file/container.h"
#include "file/demands.h"
#include "file/rules.h"

namespace xnorkit::file {
namespace {

const char* const kChecksum = "crc32";

// The graph of a file's bytes, whose tensors are inside of them.
Graph read(const uint8_t* bytes, size_t size, const Limits& limits) {
  Container container = unpack(bytes, size, limits);
  const auto found = container.tensors.find(kChecksum);
  if (found == container.tensors.end() || found->second.type != DType::u32 ||
      found->second.shape != std::vector<int64_t>{1}) {
    fail("tensor 'crc32' is missing or malformed, but it must be U32 of shape [1].");
  }
  const auto* stated = static_cast<const uint8_t*>(found->second.data);
  const uint32_t expected = stated[0] | stated[1] << 8 | stated[2] << 16 | static_cast<uint32_t>(stated[3]) << 24;
  container.tensors.erase(found);
  Graph graph = decode(container.graph, container.tensors, limits);
  const uint32_t received = checksum(container.graph, graph.order);
  if (received != expected) {
    fail("the content has checksum ", received, ", but it must have ", expected,
         ", as the file says: it was altered. Copy or export the file again.");
  }
  return graph;
}

void check_shape(const Shape& shape) { check_value(shape.height, shape.width, shape.channels); }

// The image that is asked for: the file's, or another one where it is dynamic.
Shape image_of(const InputSpec& input, const Options& options) {
  Shape shape{input.pixels ? Kind::u8 : Kind::f32, input.height, input.width, input.channels};
  if (options.height != 0) shape.height = options.height;
  if (options.width != 0) shape.width = options.width;
  if (!input.dynamic && (shape.height != input.height || shape.width != input.width)) {
    fail("images are ", shape.height, " x ", shape.width, ", but they must be ", input.height, " x ", input.width,
         ": this graph's size is fixed.");
  }
  return shape;
}

// What the program's engine knows beyond the format.
void check_op(const Node& node) {
  const auto epilogue = node.attributes.find("epilogue");
  if (node.op == "planes" || (epilogue != node.attributes.end() && epilogue->second == Attribute("integers"))) {
    fail("the operation or its epilogue is the engine's own, but it must be one of docs/format.md.");
  }
}

Program begin(const InputSpec& input, const Options& options) {
  const Shape shape = image_of(input, options);
  Program program(input.pixels ? "pixels" : "image", shape.height, shape.width, shape.channels, options.isa);
  check_shape(program.info(0));
  if (input.normalized && input.pixels) {
    program.set_normalization({input.mean.data(), {input.channels}}, {input.std.data(), {input.channels}});
  } else if (input.normalized) {
    const std::vector<float> table = input.table();
    program.set_uint8_table({table.data(), {input.channels, 256}});
  }
  return program;
}

void check_output(const Graph& graph, const Shape& output) {
  if (output.kind != Kind::f32) {
    fail("output ", shown(graph.nodes[static_cast<size_t>(graph.output) - 1].name), " is ", kind_name(output.kind),
         ", but it must be a node that returns float32 numbers.");
  }
  if (graph.has_classes && static_cast<int64_t>(graph.classes.size()) != output.channels) {
    fail("metadata 'classes' holds ", graph.classes.size(), " strings, but it must hold ", output.channels,
         " strings, one per output.");
  }
}

Program plan(const Graph& graph, const Options& options, std::string& where) {
  Program program = begin(graph.input, options);
  for (const Node& node : graph.nodes) {
    where = "node " + shown(node.name) + ": ";
    check_op(node);
    check_shape(program.info(program.add(node.op, node.inputs, node.attributes, node.tensors)));
  }
  where.clear();
  check_output(graph, program.info(graph.output));
  const Shape image = program.info(0);
  const double pixels =
      static_cast<double>(image.pixels()) / static_cast<double>(graph.input.height * graph.input.width);
  check_limits(graph, program, options.limits, std::max(1.0, pixels));
  const bool planes = program.info(graph.output).pixels() > 1;
  program.finish({planes ? program.add("planes", {graph.output}) : graph.output});
  return program;
}

}  // namespace

Model::Model(const uint8_t* bytes, size_t size, const Options& options, std::string& node)
    : Model(read(bytes, size, options.limits), options, node) {}

Model::Model(Graph graph, const Options& options, std::string& node)
    : input_(graph.input), classes_(graph.classes), threads_(options.threads), program_(plan(graph, options, node)) {}

void Model::run(Input::Type type, const void* images, size_t count, float* outputs) const {
  const Shape image = program_.info(0);
  const Input input{type, images, {static_cast<int64_t>(count), image.channels, image.height, image.width}};
  void* const results[] = {outputs};
  program_.run(input, results, threads_);
}

void Model::run(const float* images, size_t count, float* outputs) const {
  if (!input_.takes_floats()) {
    fail("images are float32, but they must be uint8, because this model reads pixels and has no normalization.");
  }
  run(Input::Type::float32, images, count, outputs);
}

void Model::run(const uint8_t* images, size_t count, float* outputs) const {
  if (!input_.takes_pixels()) {
    fail(
        "images are uint8, but they must be float32, prepared as in training, because this model has no rule from "
        "pixels to its numbers.");
  }
  if (!input_.reversed && !input_.transposed && !input_.has_mean_image) {
    return run(Input::Type::uint8, images, count, outputs);
  }
  const Shape image = program_.info(0);
  const std::vector<uint8_t> pixels = input_.arranged(images, count, image.height, image.width);
  if (!input_.has_mean_image) return run(Input::Type::uint8, pixels.data(), count, outputs);
  run(Input::Type::float32, input_.centered(pixels).data(), count, outputs);
}

}  // namespace xnorkit::file
