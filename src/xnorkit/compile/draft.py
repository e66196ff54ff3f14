"""A graph under construction: nodes, and the trained value that each of them gives."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.compile.values import Value
from xnorkit.format import INPUT, Node

__all__ = ["Draft"]


@dataclass
class Draft:
    """Nodes in the order of execution, the name of the output, and the notes of the passes.

    `exact` are nodes whose epilogue does not round: nothing after them may be folded into it.

    `origins` says which value of the trained model each node gives; passes keep it so, for the proof.
    """

    nodes: list[Node] = field(default_factory=list)
    output: str = INPUT
    origins: dict[str, Value] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    exact: set[str] = field(default_factory=set)

    def emit(
        self,
        wanted: str,
        op: str,
        inputs: Iterable[str],
        attributes: dict[str, Any] | None = None,
        tensors: dict[str, NDArray[Any]] | None = None,
    ) -> str:
        """Append a node and return its name: the wanted one, or 'wanted.2' if that is taken."""
        taken = {node.name for node in self.nodes} | {INPUT}
        name, count = wanted, 1
        while name in taken:
            count += 1
            name = f"{wanted}.{count}"
        contiguous = {role: np.ascontiguousarray(array) for role, array in (tensors or {}).items()}
        self.nodes.append(Node(name, op, tuple(inputs), attributes or {}, contiguous))
        return name

    def readers(self) -> dict[str, list[Node]]:
        """Return the readers of each value, including the input."""
        found: dict[str, list[Node]] = {INPUT: [], **{node.name: [] for node in self.nodes}}
        for node in self.nodes:
            for source in node.inputs:
                found[source].append(node)
        return found

    def redirect(self, gone: str, now: str, *, changed: bool = False) -> None:
        """Remove the node `gone`: its readers read `now`, which from now on gives its value.

        Args:
            gone: name of the node.
            now: name of the node that replaces it, or the input.
            changed: `now` no longer gives its previous value but that of `gone`; otherwise both are equal.
        """
        self.nodes = [
            Node(n.name, n.op, tuple(now if source == gone else source for source in n.inputs), n.attributes, n.tensors)
            for n in self.nodes
            if n.name != gone
        ]
        self.output = now if self.output == gone else self.output
        origin = self.origins.pop(gone)
        if changed:
            self.origins[now] = origin

    def replace(self, node: Node) -> None:
        """Replace the node of the same name with `node`."""
        self.nodes = [node if n.name == node.name else n for n in self.nodes]
