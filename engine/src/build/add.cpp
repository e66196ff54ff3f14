// The operations by name: docs/format.md, section 5, and "planes".
#include "build/operations.h"

namespace xnorkit {
namespace {

constexpr size_t kMostInputs = 1024;

struct Row {
  const char* op;
  Built (*build)(Arguments&);
  size_t least = 1;  // values that it reads
  size_t most = 1;
};

const Row kRows[] = {
    {"float_conv2d", build_float_layer},
    {"float_linear", build_float_layer},
    {"binary_weight_conv2d", build_binary_weight_layer},
    {"binary_weight_linear", build_binary_weight_layer},
    {"int8_conv2d", build_int8_layer},
    {"int8_linear", build_int8_layer},
    {"binary_conv2d", build_binary_layer},
    {"binary_linear", build_binary_layer},
    {"pack", build_pack},
    {"quantize_u8", build_quantize_u8},
    {"max_pool_bits", build_max_pool_bits},
    {"max_pool", build_max_pool},
    {"avg_pool", build_avg_pool},
    {"global_avg_pool", build_global_avg_pool},
    {"add", build_add, 2, 2},
    {"multiply", build_multiply, 2, 2},
    {"concat", build_concat, 2, kMostInputs},
    {"affine", build_affine},
    {"clip", build_clip},
    {"prelu", build_prelu},
    {"activation", build_activation},
    {"pad", build_pad},
    {"pad_bits", build_pad_bits},
    {"gather_channels", build_gather_channels},
    {"k_map", build_k_map},
    {"planes", build_planes},
};

const Row& row_of(const std::string& op) {
  std::string names;
  for (const Row& row : kRows) {
    if (op == row.op) return row;
    names += (names.empty() ? "" : ", ") + std::string(row.op);
  }
  fail("add: 'op' is '", op, "', but it must be one of ", names, ".");
}

}  // namespace

int Program::add(const std::string& op, const std::vector<int>& inputs, const Attributes& attributes,
                 const Tensors& tensors) {
  state_->require_building(op);
  const Row& row = row_of(op);
  Arguments arguments(*state_, op, inputs, attributes, tensors);
  arguments.check_inputs(row.least, row.most);
  Built built = row.build(arguments);
  arguments.check_used();
  state_->values.push_back({built.shape, inputs, row.op, std::move(built.operation)});
  return static_cast<int>(state_->values.size()) - 1;
}

}  // namespace xnorkit
