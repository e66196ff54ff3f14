"""What a packed network consists of: bits, parameters, multiply-adds and bytes of every node, and totals."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any

from xnorkit.format.file import to_bytes
from xnorkit.format.geometry import filter_shape, valid_taps, window_of
from xnorkit.format.graph import INPUT, Graph, Node, ValueSpec
from xnorkit.format.operations import operation_of
from xnorkit.format.preparation import in_words
from xnorkit.format.shapes import infer_shapes

__all__ = ["LayerSummary", "Summary", "Total", "summarize"]

PARAMETERS = ("bias", "scale", "threshold", "slope")


@dataclass(frozen=True)
class LayerSummary:
    """One node. kind: its op; reason: why it does not count bits ("" if it does); bits: per weight, 0 without weights.

    params: weights, biases, scales, slopes and thresholds. Multiply-adds (macs) are for one image, without taps in the
    padding, including that of a `pad_bits` before the layer. They are 1-bit if both factors are, 8-bit for
    integers, and otherwise 32-bit. bytes: the size of its tensors in the file.
    """

    name: str
    kind: str
    binary: bool
    reason: str
    bits: int
    params: int
    macs_1bit: int
    macs_8bit: int
    macs_32bit: int
    bytes: int


@dataclass(frozen=True)
class Total:
    """Sums over the layers; packed_bytes: size of the file; float_bytes: these numbers in float32."""

    packed_bytes: int
    float_bytes: int
    params: int
    macs_1bit: int
    macs_8bit: int
    macs_32bit: int


@dataclass(frozen=True)
class Summary:
    """Figures of a packed network; input: a description of its input."""

    name: str
    input_shape: tuple[int, int, int]
    input: str
    layers: tuple[LayerSummary, ...]
    total: Total
    metadata: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {
            "name": self.name,
            "input_shape": list(self.input_shape),
            "input": self.input,
            "layers": [asdict(layer) for layer in self.layers],
            "total": asdict(self.total),
            "metadata": dict(self.metadata),
        }


def summarize(graph: Graph, *, packed_bytes: int | None = None) -> Summary:
    """Return the figures of a graph.

    Args:
        graph: a valid graph.
        packed_bytes: size of its file; None computes what `write` would give.

    Raises:
        FormatError: the graph breaks a rule of docs/format.md.
    """
    values = infer_shapes(graph)
    nodes = {node.name: node for node in graph.nodes}
    layers = tuple(_layer(node, nodes.get(node.source), values, graph.output) for node in graph.nodes)
    params = sum(layer.params for layer in layers)
    total = Total(
        packed_bytes=len(to_bytes(graph)) if packed_bytes is None else packed_bytes,
        float_bytes=4 * params,
        params=params,
        macs_1bit=sum(layer.macs_1bit for layer in layers),
        macs_8bit=sum(layer.macs_8bit for layer in layers),
        macs_32bit=sum(layer.macs_32bit for layer in layers),
    )
    return Summary(graph.name, graph.input.shape, in_words(graph.input), layers, total, graph.metadata)


def _layer(node: Node, before: Node | None, values: Mapping[str, ValueSpec], output: str) -> LayerSummary:
    source, value, operation = values[node.source], values[node.name], operation_of(node)
    weights = macs = 0
    if operation.layer is not None:
        per_filter = filter_shape(node.attributes, source)
        weights = value.channels * prod(per_filter)
        window = window_of(node.attributes, source)
        if before is not None and before.op == "pad_bits":  # its padding counts as the layer's own
            around = zip(window.padding, before.attributes["padding"], strict=True)
            window = replace(window, padding=tuple(a + b for a, b in around))
            source = values[before.source]
        macs = valid_taps(window, source) * per_filter[2] * value.channels
    others = sum(array.size for role, array in node.tensors.items() if role in PARAMETERS)
    eight = operation.layer == "int8"
    return LayerSummary(
        name=node.name,
        kind=node.op,
        binary=operation.binary,
        reason="" if operation.binary else _reason(node, output),
        bits=8 * node.tensors["weight"].itemsize if operation.layer == "float" else operation.weight_bits,
        params=weights + others,
        macs_1bit=macs if operation.binary else 0,
        macs_8bit=macs if eight else 0,
        macs_32bit=0 if operation.binary or eight else macs,
        bytes=sum(array.nbytes for array in node.tensors.values()),
    )


def _reason(node: Node, output: str) -> str:
    layer = operation_of(node).layer
    if layer is None:
        return "has no weights"
    if layer == "binary_weight":
        return "reads float activations: only its weights are binary"
    if node.source == INPUT:
        return "first layer: reads the input"
    return "last layer: its numbers are the answer" if node.name == output else "was float in the trained model"
