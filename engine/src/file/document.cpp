#include "file/document.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "common/error.h"
#include "file/rules.h"

namespace xnorkit::file {
namespace {

constexpr int64_t kVersion = 1;
const char* const kWhat = "the graph in metadata 'xnorkit'";

void check_version(const Json& document) {
  const Json* version = document.find("version");
  const int64_t* integer = version == nullptr ? nullptr : version->integer();
  if (integer != nullptr && *integer == kVersion) return;
  const Json* producer = document.find("producer");
  fail("the file has format version ", version == nullptr ? "null" : shown(*version), ", written by ",
       producer == nullptr ? "an unknown program" : shown(*producer), ", but it must have version ", kVersion,
       ", the only one that this xnorkit reads. Install the release that wrote it, or export it again.");
}

Attribute attribute_of(const std::string& where, const Json& value) {
  if (value.is_null()) return nullptr;
  if (const bool* flag = value.boolean()) return *flag;
  if (const int64_t* integer = value.integer()) return *integer;
  if (const auto* number = std::get_if<double>(&value.value)) return *number;
  if (const std::string* text = value.string()) return *text;
  const Json::Array* list = value.array();
  std::vector<int64_t> integers;
  if (list == nullptr || !read_integers(value, list->size(), INT64_MIN, INT64_MAX, integers)) {
    fail(where, " is ", shown(value), ", but it must be null, true, false, a number, a string or a list of integers.");
  }
  return integers;
}

// Reads nodes one after the other; remembers the names and tensors of those before.
class Reader {
 public:
  explicit Reader(const Tensors& tensors) : tensors_(tensors) {}

  Node node(const Json& value) {
    as_object(value, "a node");
    check_keys("a node", value, {"name", "op", "inputs", "attributes", "tensors"});
    Node node;
    node.name = as_printable(*value.find("name"), "a node's 'name'");
    const std::string where = "node " + shown(node.name);
    node.op = as_string(*value.find("op"), where + ": 'op'");
    for (const Json& input : as_list(*value.find("inputs"), where + ": 'inputs'")) {
      node.inputs.push_back(id(as_string(input, where + ": a name in inputs")));
      if (node.inputs.back() < 0) {
        fail(where, ": 'inputs' holds ", shown(input), ", but it must hold 'input' or the name of an earlier node.");
      }
    }
    for (const Member& member : as_object(*value.find("attributes"), where + ": 'attributes'")) {
      node.attributes.emplace(member.key, attribute_of(where + ": attribute " + shown(member.key), member.value));
    }
    for (const Json& role : as_list(*value.find("tensors"), where + ": 'tensors'")) take(role, where, node);
    if (!ids_.emplace(node.name, static_cast<int>(ids_.size())).second) {
      fail(where, ": the name is taken, but it must be unique, and not 'input', the image's own.");
    }
    return node;
  }

  // The value of a name: an earlier node's, or the image's; -1 where there is none.
  int id(const std::string& name) const {
    const auto found = ids_.find(name);
    return found == ids_.end() ? -1 : found->second;
  }

  // Adds a tensor to the checksum's order.
  void use(const std::string& name, const Tensor& tensor) {
    used_.insert(name);
    order_.push_back(tensor);
  }

  std::vector<Tensor> order() {
    for (const auto& entry : tensors_) {
      if (used_.count(entry.first) == 0) {
        fail("tensor ", shown(entry.first),
             " belongs to no node, but its name must be '<node>.<role>' of a node that lists it.");
      }
    }
    return std::move(order_);
  }

 private:
  void take(const Json& value, const std::string& where, Node& node) {
    const std::string& role = as_string(value, where + ": a role in tensors");
    const std::string name = node.name + "." + role;
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
      fail(where, ": tensor ", shown(name), " is not in the file, but every tensor that is listed must be.");
    }
    if (!node.tensors.emplace(role, found->second).second) {
      fail(where, ": 'tensors' lists ", shown(role), " twice, but roles must be unique.");
    }
    use(name, found->second);
  }

  const Tensors& tensors_;
  std::map<std::string, int> ids_{{"input", 0}};
  std::set<std::string> used_;
  std::vector<Tensor> order_;
};

void check_readers(const Graph& graph) {
  std::set<int> read{graph.output};
  for (const Node& node : graph.nodes) read.insert(node.inputs.begin(), node.inputs.end());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (read.count(static_cast<int>(i) + 1) == 0) {
      fail("node ", shown(graph.nodes[i].name),
           ": nothing reads it, but a node must read it or it must be the output.");
    }
  }
}

void read_classes(const Json& metadata, Graph& graph) {
  as_object(metadata, "'metadata'");
  const Json* classes = metadata.find("classes");
  graph.has_classes = classes != nullptr && !classes->is_null();
  if (!graph.has_classes) return;
  for (const Json& name : as_list(*classes, "metadata 'classes'")) {
    graph.classes.push_back(as_string(name, "a name in metadata 'classes'"));
  }
}

std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? 0xedb88320u ^ value >> 1 : value >> 1;
    table[i] = value;
  }
  return table;
}

}  // namespace

size_t bytes_of(const Tensor& tensor) {
  size_t bytes = dtype_bytes(tensor.type);
  for (const int64_t length : tensor.shape) bytes *= static_cast<size_t>(length);
  return bytes;
}

uint32_t checksum(std::string_view text, const std::vector<Tensor>& tensors) {
  static const std::array<uint32_t, 256> table = crc_table();
  uint32_t value = 0xffffffffu;
  const auto add = [&](const void* data, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    for (size_t i = 0; i < size; ++i) value = table[(value ^ bytes[i]) & 255] ^ value >> 8;
  };
  add(text.data(), text.size());
  for (const Tensor& tensor : tensors) add(tensor.data, bytes_of(tensor));
  return ~value;
}

Graph decode(std::string_view text, const Tensors& tensors, const Limits& limits) {
  const Json document = parse_json(text, kWhat);
  as_object(document, kWhat);
  check_version(document);
  check_keys(kWhat, document, {"version", "producer", "name", "input", "nodes", "output", "metadata"});
  as_printable(*document.find("producer"), "'producer'");
  as_printable(*document.find("name"), "'name'");
  Graph graph;
  graph.input = read_input(*document.find("input"), tensors);
  Reader reader(tensors);
  if (graph.input.has_mean_image) reader.use("input.mean_image", tensors.at("input.mean_image"));
  const Json::Array& nodes = as_list(*document.find("nodes"), "'nodes'");
  if (nodes.empty()) fail("'nodes' is empty, but it must hold at least one node.");
  check_limit("nodes", limits.nodes, static_cast<double>(nodes.size()), "the graph has ", " nodes");
  for (const Json& node : nodes) graph.nodes.push_back(reader.node(node));
  const std::string& output = as_string(*document.find("output"), "'output'");
  graph.output = reader.id(output);
  if (graph.output <= 0) fail("'output' is ", shown(output), ", but it must be the name of a node.");
  graph.order = reader.order();
  check_readers(graph);
  read_classes(*document.find("metadata"), graph);
  return graph;
}

}  // namespace xnorkit::file
