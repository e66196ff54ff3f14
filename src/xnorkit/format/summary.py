"""What a packed network is made of: bits, parameters, multiply-adds and bytes of every node, and totals."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from xnorkit.format.file import to_bytes
from xnorkit.format.geometry import valid_taps
from xnorkit.format.graph import INPUT, Graph, Node, ValueSpec
from xnorkit.format.preparation import in_words
from xnorkit.format.shapes import infer_shapes

__all__ = ["LayerSummary", "Summary", "Total", "summarize"]


BINARY = ("binary_conv2d", "binary_linear")
PARAMETERS = ("bias", "scale", "threshold", "slope")


@dataclass(frozen=True)
class LayerSummary:
    """One node. kind: its op; reason: why it does not count bits ("" if it does); bits: per weight, 0 without.

    params: weights, biases, scales, slopes and thresholds. Multiply-adds (macs) are of one image and leave out taps in
    the padding, that of a `pad_bits` in front of the layer, too; they are 1-bit where both factors are, 8-bit for
    integers, 32-bit else. bytes: what its tensors take in the file.
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
    """Figures of a packed network; input: what it is fed with, in words."""

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
    source, value, bits = values[node.source], values[node.name], _bits(node)
    binary = node.op in BINARY
    per_filter = _weights_per_filter(node, source)
    weights = value.channels * per_filter
    if before is not None and before.op == "pad_bits":
        macs = _macs(_with_padding(node, before.attributes["padding"]), values[before.source], value)
    else:
        macs = _macs(node, source, value)
    others = sum(array.size for role, array in node.tensors.items() if role in PARAMETERS)
    integer = node.op.startswith("int8_")
    return LayerSummary(
        name=node.name,
        kind=node.op,
        binary=binary,
        reason="" if binary else _reason(node, output),
        bits=bits,
        params=weights + others,
        macs_1bit=macs if binary else 0,
        macs_8bit=macs if integer else 0,
        macs_32bit=0 if binary or integer else macs,
        bytes=sum(array.nbytes for array in node.tensors.values()),
    )


def _bits(node: Node) -> int:
    """Return how many bits one weight takes."""
    if "weight" not in node.tensors:
        return 0
    return 1 if node.op.startswith("binary_") else 8 * node.tensors["weight"].itemsize


def _weights_per_filter(node: Node, source: ValueSpec) -> int:
    if node.op.endswith("conv2d"):
        height, width = node.attributes["kernel"]
        return int(height * width * node.attributes["in_channels"] // node.attributes["groups"])
    return source.size if node.op.endswith("linear") else 0


def _macs(node: Node, source: ValueSpec, value: ValueSpec) -> int:
    if node.op.endswith("conv2d"):
        per_tap = node.attributes["in_channels"] // node.attributes["groups"] * value.channels
        return int(valid_taps(node.attributes, source) * per_tap)
    return source.size * value.channels if node.op.endswith("linear") else 0


def _with_padding(node: Node, padding: list[int]) -> Node:
    """Return a layer with what is padded in front of it as padding of its own; a linear layer's is left out."""
    own = node.attributes.get("padding", [0] * 4)
    return replace(node, attributes={**node.attributes, "padding": [a + b for a, b in zip(own, padding, strict=True)]})


def _reason(node: Node, output: str) -> str:
    if "weight" not in node.tensors:
        return "has no weights"
    if node.op.startswith("binary_weight_"):
        return "reads float activations: its weights alone are binary"
    if node.source == INPUT:
        return "first layer: reads the input"
    return "last layer: its numbers are the answer" if node.name == output else "was float in the trained model"
