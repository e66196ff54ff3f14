// A function per operation, or per family of layers, that checks its arguments and returns what the operation computes.
#pragma once

#include "build/arguments.h"

namespace xnorkit {

struct Built {
  template <class Spec>
  Built(Spec spec) : shape(spec.output), operation(std::move(spec)) {}  // NOLINT: a specification is what it builds

  Shape shape;
  Operation operation;
};

// Layers: a convolution, or a linear layer, whose kernel is the whole value.
Built build_float_layer(Arguments& a);
Built build_binary_weight_layer(Arguments& a);
Built build_int8_layer(Arguments& a);
Built build_binary_layer(Arguments& a);

Built build_pack(Arguments& a);
Built build_quantize_u8(Arguments& a);

Built build_max_pool_bits(Arguments& a);
Built build_max_pool(Arguments& a);
Built build_avg_pool(Arguments& a);
Built build_global_avg_pool(Arguments& a);
Built build_k_map(Arguments& a);

Built build_add(Arguments& a);
Built build_multiply(Arguments& a);
Built build_affine(Arguments& a);
Built build_clip(Arguments& a);
Built build_prelu(Arguments& a);
Built build_activation(Arguments& a);

Built build_pad(Arguments& a);
Built build_pad_bits(Arguments& a);
Built build_planes(Arguments& a);
Built build_concat(Arguments& a);
Built build_gather_channels(Arguments& a);

}  // namespace xnorkit
