#include "plan/state.h"

#include "common/error.h"

namespace xnorkit {

const char* kind_name(Kind kind) {
  const char* const names[] = {"f32", "bits", "i32", "u8", "planes"};
  return names[static_cast<int>(kind)];
}

void ProgramState::require_building(const std::string& what) const {
  if (finished) fail(what, ": the program is finished, but it must not be. Add everything before you call finish.");
}

const Shape& ProgramState::value(const std::string& what, int id) const {
  const auto count = static_cast<int>(values.size());
  if (id < 0 || id >= count) {
    fail(what, ": received value ", id, ", but it must be an earlier value, from 0 to ", count - 1, ".");
  }
  return values[id].shape;
}

const Shape& ProgramState::source(const std::string& what, int id, Kind kind) const {
  require_building(what);
  const Shape& shape = value(what, id);
  if (shape.kind != kind) {
    fail(what, ": value ", id, " is ", kind_name(shape.kind), ", but it must be ", kind_name(kind), ".",
         kind == Kind::bits ? " Add 'pack', which makes bits of f32." : "");
  }
  return shape;
}

}  // namespace xnorkit
