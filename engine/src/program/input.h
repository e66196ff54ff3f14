// The four kinds of input: what callers may pass for each, and how value 0 comes of it.
#pragma once

#include <string>
#include <vector>

#include "program/images.h"
#include "xnorkit/program.h"

namespace xnorkit {

// image: images to f32; pixels: images to u8; bits and f32: the value itself, read where the caller has it.
enum class InputKind { image, pixels, bits, f32 };

// Throws std::invalid_argument that lists the kinds.
InputKind input_kind(const std::string& name);

Kind value_kind(InputKind kind);

// True where the caller's memory is value 0.
inline bool in_place(InputKind kind) { return kind == InputKind::bits || kind == InputKind::f32; }

// Refuses another type or shape than (N,) + those of `value`, the shape of value 0.
void check_input_array(InputKind kind, const Shape& value, const Normalization& normalization, const Input& input);

}  // namespace xnorkit
