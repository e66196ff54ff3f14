"""The time of a network by the steps of the engine, each beside its ideal time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from xnorkit.bench.peaks import Limits
from xnorkit.format import Graph, LayerSummary, infer_shapes, summarize
from xnorkit.runtime.build import build

__all__ = ["StepResult", "ideal_us", "layer_ideal_us", "profile"]

INT8_PER_FLOAT = 4


def ideal_us(graph: Graph, limits: Limits, batch: int) -> float:
    """Return the sum over the layers of `layer_ideal_us`."""
    return sum(layer_ideal_us(layer, limits, batch) for layer in summarize(graph).layers)


def layer_ideal_us(layer: LayerSummary, limits: Limits, batch: int) -> float:
    """Return the microseconds of a layer's multiply-adds at their peaks, or of reading its tensors if that is more.

    Tensors are read once per call for any batch; activations count as free, because they stay in caches. The
    peak of 8-bit multiply-adds is taken as four times that of float32: a register holds four times as many, and a
    dot-product instruction does them all.
    """
    floats = layer.macs_32bit + layer.macs_8bit / INT8_PER_FLOAT
    arithmetic = (layer.macs_1bit / limits.binary_gmacs + floats / limits.float_gmacs) * batch
    return max(arithmetic, layer.bytes / limits.read_gbs) / 1e3


REPEATS = 30


@dataclass(frozen=True)
class StepResult:
    """One step of the engine. layers: the nodes of the graph that it joins; shape: of its value, (H, W, C).

    macs: multiply-adds of one image, of all widths; us: median; ideal_us: of its layers, as `xnorkit.bench.profile`.
    """

    layers: list[str]
    operations: list[str]
    kernel: str
    shape: tuple[int, int, int]
    macs: int
    us: float
    ideal_us: float


def profile(graph: Graph, images: NDArray[Any], isa: str, threads: int, limits: Limits) -> list[StepResult]:
    """Return the steps of a network in the order in which they run on `images`."""
    program = build(graph, infer_shapes(graph), [graph.output], isa)
    layers = {layer.name: layer for layer in summarize(graph).layers}
    times = program.profile(images, REPEATS, threads)
    results = []
    for step, us in zip(program.steps(), times, strict=True):
        names = _names(step.values, graph)
        ideal = sum(layer_ideal_us(layers[name], limits, len(images)) for name in names)
        shape = (step.shape.height, step.shape.width, step.shape.channels)
        results.append(StepResult(names, list(step.operations), step.kernel, shape, int(step.macs), us, ideal))
    return results


def _names(values: Sequence[int], graph: Graph) -> list[str]:
    """Value 0 is the input and value i the graph's node i - 1: `build` adds one value per node, in order."""
    nodes: Sequence[Any] = graph.nodes
    return [nodes[value - 1].name for value in values if value > 0]
