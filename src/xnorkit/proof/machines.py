"""Run a graph for a proof: on the engine, or the interpreter. Values are (N, H, W, C): float32, uint8, int8 signs."""

from typing import Any, Protocol

from numpy.typing import NDArray

from xnorkit.format import Graph, Node, ValueSpec, infer_shapes, operation_of
from xnorkit.proof.interpret import apply, dots, interpret
from xnorkit.runtime import Model, pack_bits, unpack_bits

__all__ = ["EngineMachine", "InterpreterMachine", "Machine"]

Array = NDArray[Any]


class Machine(Protocol):
    """Runs a graph, or one of its nodes alone."""

    graph: Graph

    def trace(self, images: Array) -> dict[str, Array]:
        """Return the value of every node for images (N, C, H, W)."""

    def alone(self, node: Node, inputs: list[Array]) -> tuple[Array | None, Array]:
        """Return the integer sums of a layer (None without them) and the output of the node, for given values."""


class InterpreterMachine:
    """The NumPy interpreter."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def trace(self, images: Array) -> dict[str, Array]:
        """See `Machine`."""
        return interpret(self.graph, images, [node.name for node in self.graph.nodes])

    def alone(self, node: Node, inputs: list[Array]) -> tuple[Array | None, Array]:
        """See `Machine`."""
        sums = dots(node, inputs[0]) if operation_of(node).integer else None
        return sums, apply(node, *inputs)


class EngineMachine:
    """A loaded model on the engine; nodes with several inputs, which only add, multiply or join, are interpreted."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.graph = model.graph
        self.shapes = infer_shapes(model.graph)

    def trace(self, images: Array) -> dict[str, Array]:
        """See `Machine`."""
        return {name: self._read(array, self.shapes[name]) for name, array in self.model.trace(images).items()}

    def alone(self, node: Node, inputs: list[Array]) -> tuple[Array | None, Array]:
        """See `Machine`."""
        if len(node.inputs) > 1:
            return None, apply(node, *inputs)
        bits = self.shapes[node.source].kind == "bits"
        result = self.model.run_layer(node.name, pack_bits(inputs[0]) if bits else inputs[0])
        return result.dots if result.dots.shape[3] else None, self._read(result.output, self.shapes[node.name])

    def _read(self, array: Array, spec: ValueSpec) -> Array:
        return unpack_bits(array, spec.channels) if spec.kind == "bits" else array
