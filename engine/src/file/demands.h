// The cost of running a graph, from its shapes alone: rough upper bounds, computed in linear time. The same figures as
// src/xnorkit/format/demands.py; docs/trust.md says how its constants were measured.
#pragma once

#include <vector>

#include "file/document.h"
#include "file/limits.h"
#include "xnorkit/program.h"

namespace xnorkit::file {

// Throws where a graph asks for more than `limits`, with those of values, plan and work times `scale`. `program` holds
// the graph's values: 0 is the image, i + 1 that of the i-th node.
void check_limits(const Graph& graph, const Program& program, const Limits& limits, double scale);

}  // namespace xnorkit::file
