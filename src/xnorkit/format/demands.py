"""The cost of running a graph, from its shapes alone: rough upper bounds, computed in linear time.

The constants describe the engine on AVX2, where a multiply-add of float32 takes about 0.05 ns. docs/trust.md says how
they were measured.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from xnorkit.format.geometry import window_of
from xnorkit.format.graph import INPUT, Graph, Node, ValueSpec
from xnorkit.format.limits import Limits
from xnorkit.format.operations import operation_of
from xnorkit.format.rules import shown

__all__ = ["Demand", "check_limits", "demand_of"]

PER_NUMBER = 40
"""Work of a number that an operation writes, or reads as an operand."""
PER_FUNCTION = 400
"""Work of a number that goes through exp, tanh or erf."""
PER_TAP = 24
"""Work of a tap that a pool reads, in addition to PER_POOLED for each of its numbers or words."""
PER_POOLED = 4
PER_POSITION = 1000
"""Work of one output pixel of a convolution or pool in addition to its numbers: its place in the plan, its tile."""
PER_RUN = 200
"""Work of a run of taps in the plan."""
PER_INT8 = 2
BITS_PER_WORK = 16
"""1-bit multiply-adds that take as long as one of float32."""
RUN_BYTES = 16
POSITION_BYTES = 24
LANE_BYTES = 16
"""Bytes of one output channel in its block: scale, bias, threshold."""
BLOCK_BYTES = 40
FILE_TIMES = 2
"""How many times its bytes in the file a weight may take in the engine, as float16 does; the rest counts as plan."""
PIXEL_TABLE_BYTES = 1024
"""Bytes of one channel: the result of every pixel value."""


@dataclass(frozen=True)
class Demand:
    """Cost of one node: work, bytes of its plan, bytes of its scratch memory; see `Limits`."""

    work: int = 0
    plan: int = 0
    scratch: int = 0


def check_limits(graph: Graph, values: Mapping[str, ValueSpec], limits: Limits, scale: float = 1.0) -> None:
    """Check that a valid graph asks for no more than `limits`, with those of values, plan and work times `scale`.

    Raises:
        FormatError: names the limit, the amount that the graph asks for, and how to raise the limit.
    """
    limits.check("nodes", len(graph.nodes), f"the graph has {len(graph.nodes):,} nodes")
    work = 0
    plan = PIXEL_TABLE_BYTES * values[INPUT].channels if graph.input.normalization is not None else 0
    demands = []
    for node in graph.nodes:
        side = max(node.attributes.get("padding", (0,)))
        limits.check("padding", side, f"node {shown(node.name)} pads {side:,} pixels on a side")
        demand = demand_of(node, [values[name] for name in node.inputs], values[node.name])
        demands.append(demand)
        work, plan = work + demand.work, plan + demand.plan
    limits.check("plan", plan, f"the engine's plan takes about {plan:,} bytes", scale)
    limits.check("work", work, f"an image takes about {work:,} multiply-adds, or work that takes as long", scale)
    alive = _alive(graph, values, demands)
    limits.check("values", alive, f"an image takes about {alive:,} bytes of values at once", scale)


def _alive(graph: Graph, values: Mapping[str, ValueSpec], demands: Sequence[Demand]) -> int:
    """Return the most bytes that are alive at once: a value lives from its node to the last one that reads it."""
    last = {graph.output: len(graph.nodes)}
    for index, node in enumerate(graph.nodes):
        for name in node.inputs:
            last[name] = max(index, last.get(name, 0))
    ending: dict[int, list[str]] = {}
    for name, index in last.items():
        ending.setdefault(index, []).append(name)
    alive = most = _bytes(values[INPUT])
    for index, (node, demand) in enumerate(zip(graph.nodes, demands, strict=True)):
        alive += _bytes(values[node.name])
        most = max(most, alive + demand.scratch)
        alive -= sum(_bytes(values[name]) for name in ending.get(index, ()))
    return most


def _bytes(value: ValueSpec) -> int:
    pixels = value.height * value.width
    return pixels * value.channels if value.kind == "u8" else 4 * pixels * _elements(value)


def _elements(value: ValueSpec) -> int:
    return value.words if value.kind == "bits" else value.channels


def demand_of(node: Node, sources: Sequence[ValueSpec], value: ValueSpec) -> Demand:
    """Return the cost of one node."""
    elements = sum(v.height * v.width * _elements(v) for v in chain(sources, (value,)))
    work = PER_NUMBER * elements
    if node.op == "activation":
        return Demand(work + PER_FUNCTION * value.size)
    if operation_of(node).layer is not None:
        return _layer(node, sources[0], value, work)
    if "kernel" in node.attributes:
        return _pool(node, sources[0], value, work)
    if node.op == "gather_channels":
        return Demand(work + PER_NUMBER * value.size)
    if node.op == "concat" and value.kind == "bits":
        return Demand(work + PER_NUMBER * len(sources) * value.height * value.width)
    return Demand(work)


def _pool(node: Node, source: ValueSpec, value: ValueSpec, work: int) -> Demand:
    axes = list(_axes(node, source, value))
    taps = axes[0].taps * axes[1].taps
    positions = value.height * value.width
    per_tap = PER_TAP + PER_POOLED * (0 if node.op == "k_map" else _elements(value))
    work += PER_POSITION * positions + per_tap * positions * taps
    scratch = 4 * source.height * source.width if node.op == "k_map" else 0
    return Demand(work, 32 * (value.height + value.width), scratch)


def _layer(node: Node, source: ValueSpec, value: ValueSpec, work: int) -> Demand:
    """A convolution, or a linear layer: a convolution whose kernel is the whole image."""
    layer, groups = operation_of(node).layer, node.attributes.get("groups", 1)
    down, right = _axes(node, source, value)
    positions = value.height * value.width
    runs, kinds = down.runs * right.runs, down.kinds * right.kinds
    lanes = -(-value.channels // groups // 16) * 16 * groups if groups < value.channels else value.channels + 16
    taps = down.taps * right.taps
    per_group = source.channels // groups
    padded = down.padded * right.padded
    if layer == "binary":
        # Words of a group, or of all groups that a block of 64 lanes reads; each kind of position has its own limits.
        words = min(source.words, -(-64 * per_group // 32) + 1) if groups > 1 else source.words
        multiplied = positions * taps * words * 32 * (value.channels + 32) // BITS_PER_WORK
        wide = 8 * down.kernel * right.kernel * words * (value.channels + 64) if groups > 1 else 0
        plan = wide + 8 * kinds * (value.channels + 32)
        plan += 64 * down.kinds * value.width * value.words if groups == value.channels else 0
        prepared = kinds * value.channels * ((down.kernel * right.kernel + value.width) if groups > 1 else 1)
        scratch = 4 * padded * source.words * 2 + 4 * positions * -(-down.kernel * right.kernel * per_group // 32)
        plan += _arranged(node, down.kernel * right.kernel, source, value)
        return _convolution(work + multiplied + PER_NUMBER * prepared, plan, scratch, positions, runs)
    if layer == "int8":
        width = min(source.channels, 64 * per_group)
        blocks = -(-value.channels // 64)
        multiplied = PER_INT8 * positions * down.kernel * right.kernel * width * (value.channels + 32)
        plan = (
            down.kernel * right.kernel * (RUN_BYTES * blocks + (2 * width * (value.channels + 32) if groups > 1 else 0))
        )
        plan += _arranged(node, down.kernel * right.kernel, source, value)
        return _convolution(work + multiplied, plan, 2 * padded * source.channels, positions, 0)
    plan = _arranged(node, down.kernel * right.kernel, source, value)
    return _convolution(work + positions * taps * per_group * lanes, plan, 0, positions, runs)


def _arranged(node: Node, kernel: int, source: ValueSpec, value: ValueSpec) -> int:
    """Return the bytes of a layer's weights in whole blocks of lanes, minus those that the file's size accounts for."""
    layer, groups = operation_of(node).layer, node.attributes.get("groups", 1)
    depthwise = groups > 1 and groups == source.channels == value.channels
    per_filter = kernel * source.channels // groups
    if groups > 1 and layer in ("binary", "int8"):
        return 0  # widened weights, which the plan already counts
    blocks = 1 if depthwise else groups
    lanes = blocks * _rounded(value.channels // blocks, 32 if layer == "binary" else 16)
    if layer == "binary":
        filters = 4 * lanes * kernel * source.words
    elif layer == "binary_weight":
        filters = 4 * lanes * per_filter if depthwise else lanes * per_filter // 8
    else:
        filters = (2 if layer == "int8" else 4) * lanes * per_filter
    taken = filters + LANE_BYTES * lanes + BLOCK_BYTES * blocks
    return max(0, taken - FILE_TIMES * sum(array.nbytes for array in node.tensors.values()))


def _rounded(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _convolution(work: int, plan: int, scratch: int, positions: int, runs: int) -> Demand:
    return Demand(
        work + PER_POSITION * positions + PER_RUN * runs, plan + POSITION_BYTES * positions + RUN_BYTES * runs, scratch
    )


@dataclass(frozen=True)
class _Axis:
    """A window's geometry along one axis.

    taps: valid ones of one output, at most; kinds: different ranges of valid taps; runs: taps of all of these ranges.
    """

    kernel: int
    taps: int
    kinds: int
    padded: int

    @property
    def runs(self) -> int:
        return self.kinds * self.taps


def _axes(node: Node, source: ValueSpec, value: ValueSpec) -> Iterator[_Axis]:
    window = window_of(node.attributes, source)
    for axis, (size, outputs) in enumerate(((source.height, value.height), (source.width, value.width))):
        kernel, stride, dilation = window.kernel[axis], window.stride[axis], window.dilation[axis]
        before, after = window.padding[axis], window.padding[axis + 2]
        border = -(-before // stride) - (-after // stride)
        # Both ends of the range of valid taps only decrease from one output to the next.
        kinds = min(outputs, border + 1, 2 * kernel + 3)
        yield _Axis(kernel, min(kernel, -(-size // dilation)), kinds, size + before + after)
