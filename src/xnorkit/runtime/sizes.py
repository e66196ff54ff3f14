"""Programs by image size: a graph with a dynamic input is planned once for each size that it meets."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from xnorkit import _engine
from xnorkit.errors import FormatError, InputError
from xnorkit.format import Graph, ValueSpec, infer_shapes
from xnorkit.runtime.build import build

__all__ = ["KEPT", "Plan", "Sizes"]

KEPT = 8
"""Sizes whose programs are kept, each with its own arrangement of the weights; the least recently used one goes."""


class Plan:
    """A graph for images of one size: shapes of its values, its program, and one that gives every value."""

    def __init__(self, graph: Graph, values: Mapping[str, ValueSpec], isa: str) -> None:
        self.values = values
        self.program = build(graph, values, [graph.output], isa, planes=True)
        self._graph, self._isa = graph, isa
        self._tracer: _engine.Program | None = None

    @property
    def tracer(self) -> _engine.Program:
        """The program whose outputs are the values of all nodes; made when first asked for."""
        if self._tracer is None:
            self._tracer = build(self._graph, self.values, [node.name for node in self._graph.nodes], self._isa)
        return self._tracer


class Sizes:
    """Plans of a graph by (H, W); may be asked from several threads at once."""

    def __init__(self, graph: Graph, isa: str) -> None:
        self._graph, self._isa = graph, isa
        self._plans: OrderedDict[tuple[int, int], Plan] = OrderedDict()
        self._lock = threading.Lock()

    def plan(self, size: Sequence[int]) -> Plan:
        """Return the plan for images of `size` (H, W).

        Raises:
            FormatError: the graph itself is not valid.
            InputError: the graph cannot be run on images of this size.
            EngineError: the engine refuses a node.
        """
        height, width = size
        with self._lock:
            if (height, width) not in self._plans:
                self._plans[height, width] = Plan(self._graph, self._values((height, width)), self._isa)
                if len(self._plans) > KEPT:
                    self._plans.popitem(last=False)
            self._plans.move_to_end((height, width))
            return self._plans[height, width]

    def _values(self, size: tuple[int, int]) -> dict[str, ValueSpec]:
        if size == tuple(self._graph.input.shape[1:]):
            return infer_shapes(self._graph)
        try:
            return infer_shapes(self._graph, size)
        except FormatError as error:
            raise InputError(f"images of {size[0]} x {size[1]} do not fit this model: {error}") from None
