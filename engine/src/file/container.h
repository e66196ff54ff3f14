// The container of a file: safetensors, checked in full before it is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "file/json.h"
#include "file/limits.h"
#include "xnorkit/types.h"

namespace xnorkit::file {

struct Container {
  std::string graph;  // the entry "xnorkit" of the metadata
  Tensors tensors;    // by name; their data are inside the file's bytes
};

// The bytes must live as long as the result. Throws std::invalid_argument.
Container unpack(const uint8_t* bytes, size_t size, const Limits& limits);

}  // namespace xnorkit::file
