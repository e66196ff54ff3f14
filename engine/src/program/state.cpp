#include "program/state.h"

namespace xnorkit {

void ProgramState::require_building(const char* what) const {
  if (finished) fail(what, ": the program is finished; required: build everything before finish");
}

const Shape& ProgramState::value(const char* what, int id) const {
  const auto count = static_cast<int>(values.size());
  if (id < 0 || id >= count) fail(what, ": received value ", id, "; required an earlier value, 0 to ", count - 1);
  return values[id].shape;
}

const Shape& ProgramState::source(const char* what, int id, Kind kind) const {
  require_building(what);
  const Shape& shape = value(what, id);
  if (shape.kind != kind) {
    fail(what, ": value ", id, " is ", kind_name(shape.kind), "; required ", kind_name(kind),
         kind == Kind::bits ? ". pack makes bits of f32" : "");
  }
  return shape;
}

}  // namespace xnorkit
