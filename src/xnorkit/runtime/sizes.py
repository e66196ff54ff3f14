"""Programs by image size: a graph with a dynamic input is planned once for each size that it meets."""

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from xnorkit import _engine
from xnorkit.errors import FormatError, InputError
from xnorkit.format import Graph, Limits, ValueSpec, check_limits, infer_shapes
from xnorkit.runtime.build import build

__all__ = ["KEPT", "Plan", "Sizes"]

KEPT = 8
"""Sizes whose programs are kept, each with its own arrangement of the weights; the least recently used one goes."""


class Plan:
    """A graph for images of one size: shapes of its values, its program, and one that returns every value."""

    def __init__(self, graph: Graph, values: Mapping[str, ValueSpec], isa: str) -> None:
        self.values = values
        self.program = build(graph, values, [graph.output], isa, planes=True)
        self._graph, self._isa = graph, isa
        self._tracer: _engine.Program | None = None

    @property
    def tracer(self) -> _engine.Program:
        """The program whose outputs are the values of all nodes; made on first use."""
        if self._tracer is None:
            self._tracer = build(self._graph, self.values, [node.name for node in self._graph.nodes], self._isa)
        return self._tracer


class Sizes:
    """Plans of a graph by (H, W); may be used from several threads at once, and in a forked child.

    Only the caller's own thread lives on in a child. A lock that another thread held would never be released there, so
    a child begins with new locks. Each plan is stored in one step, so a child inherits only complete plans.
    """

    def __init__(self, graph: Graph, isa: str, limits: Limits | None = None) -> None:
        self._graph, self._isa, self._limits = graph, isa, limits
        self._plans: OrderedDict[tuple[int, int], Plan] = OrderedDict()
        self._lock = threading.Lock()
        _ALL.add(self)

    def plan(self, size: Sequence[int]) -> Plan:
        """Return the plan for images of `size` (H, W).

        Raises:
            FormatError: the graph itself is not valid.
            InputError: the graph cannot be run on images of this size, or takes more than the limits allow for it.
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

    def renew_lock(self) -> None:
        """Replace the lock, in a forked child."""
        self._lock = threading.Lock()

    def _values(self, size: tuple[int, int]) -> dict[str, ValueSpec]:
        own = self._graph.input.shape[1:]
        if size == tuple(own):
            return infer_shapes(self._graph)
        try:
            values = infer_shapes(self._graph, size)
            if self._limits is not None:
                scale = max(1.0, size[0] * size[1] / (own[0] * own[1]))
                check_limits(self._graph, values, self._limits, scale)
        except FormatError as error:
            raise InputError(f"images of {size[0]} x {size[1]} do not fit this model: {error}") from None
        return values


_ALL: weakref.WeakSet[Sizes] = weakref.WeakSet()


def _renew_locks() -> None:
    for sizes in _ALL:
        sizes.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
