// The graph of a file: its JSON with names resolved. What an operation requires of its inputs, attributes and tensors,
// Program::add checks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "file/limits.h"
#include "file/preparation.h"
#include "xnorkit/types.h"

namespace xnorkit::file {

struct Node {
  std::string name;
  std::string op;
  std::vector<int> inputs;  // 0 is the image, i + 1 the i-th node
  Attributes attributes;
  Tensors tensors;  // by role
};

struct Graph {
  InputSpec input;
  std::vector<Node> nodes;
  int output;
  bool has_classes;
  std::vector<std::string> classes;
  std::vector<Tensor> order;  // all tensors, in the order of the checksum
};

// `tensors` are those of the container, without the checksum. Throws std::invalid_argument.
Graph decode(std::string_view text, const Tensors& tensors, const Limits& limits);

// CRC-32 of the text, then of the tensors.
uint32_t checksum(std::string_view text, const std::vector<Tensor>& tensors);

// The bytes of a tensor that a container holds.
size_t bytes_of(const Tensor& tensor);

}  // namespace xnorkit::file
