"""What a graph is proved on: the engine, or the interpreter. Values are (N, H, W, C): float32, uint8, int8 signs."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xnorkit.export.interpret import apply, dots, interpret
from xnorkit.format import INPUT, Graph, InputSpec, Node, ValueSpec, infer_shapes
from xnorkit.runtime import Model, pack_bits, unpack_bits
from xnorkit.runtime.build import build

__all__ = ["EngineMachine", "InterpreterMachine", "Machine"]

Array = NDArray[Any]


class Machine(Protocol):
    """Runs a graph, or one of its nodes alone."""

    graph: Graph

    def trace(self, images: Array) -> dict[str, Array]:
        """Return the value of every node for images (N, C, H, W)."""

    def alone(self, node: Node, inputs: list[Array]) -> tuple[Array | None, Array]:
        """Return the integer sums of a binary layer (None of other nodes), and what the node gives, of given values."""


class InterpreterMachine:
    """The NumPy interpreter."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def trace(self, images: Array) -> dict[str, Array]:
        """See `Machine`."""
        return interpret(self.graph, images, [node.name for node in self.graph.nodes])

    def alone(self, node: Node, inputs: list[Array]) -> tuple[Array | None, Array]:
        """See `Machine`."""
        sums = dots(node, inputs[0]) if node.op in ("binary_conv2d", "binary_linear") else None
        return sums, apply(node, *inputs)


class EngineMachine:
    """A loaded model on the engine; a node of several inputs, which only adds, multiplies or joins, is interpreted."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.graph = model.graph
        self.shapes = infer_shapes(model.graph)
        self._programs: dict[str, Any] = {}

    def trace(self, images: Array) -> dict[str, Array]:
        """See `Machine`."""
        return {name: self._read(array, self.shapes[name]) for name, array in self.model.trace(images).items()}

    def alone(self, node: Node, inputs: list[Array]) -> tuple[Array | None, Array]:
        """See `Machine`."""
        source = self.shapes[node.inputs[0]]
        if len(node.inputs) > 1 or node.op == "clip":  # a clip is part of the layer in front of it, see runtime.build
            return None, apply(node, *inputs)
        if source.kind == "bits":
            result = self.model.run_layer(node.name, pack_bits(inputs[0]))
            dots = result.dots if result.dots.shape[3] else None
            return dots, self._read(result.output, self.shapes[node.name])
        if node.name not in self._programs:
            shape = (source.channels, source.height, source.width)
            single = Node(node.name, node.op, (INPUT,), node.attributes, node.tensors)
            spec = InputSpec(shape, None, kind=source.kind)
            graph = Graph(node.name, spec, (single,), node.name)
            self._programs[node.name] = build(graph, infer_shapes(graph), [node.name], self.model.isa)
        images = np.ascontiguousarray(inputs[0].transpose(0, 3, 1, 2))
        (value,) = self._programs[node.name].run(images, self.model.threads)
        return None, self._read(value, self.shapes[node.name])

    def _read(self, array: Array, spec: ValueSpec) -> Array:
        return unpack_bits(array, spec.channels) if spec.kind == "bits" else array
