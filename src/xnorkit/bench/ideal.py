"""The time that a packed network would take if nothing but its arithmetic, or reading its weights, took any."""

from xnorkit.bench.peaks import Limits
from xnorkit.format import Graph, LayerSummary, summarize

__all__ = ["ideal_us", "layer_ideal_us"]

INT8_PER_FLOAT = 4


def ideal_us(graph: Graph, limits: Limits, batch: int) -> float:
    """Return the sum over the layers of `layer_ideal_us`."""
    return sum(layer_ideal_us(layer, limits, batch) for layer in summarize(graph).layers)


def layer_ideal_us(layer: LayerSummary, limits: Limits, batch: int) -> float:
    """Return the microseconds of a layer's multiply-adds at their peaks, or of reading its tensors if that is more.

    Tensors are read once per call, whatever the batch; activations are taken as free, since they stay in caches. The
    peak of 8-bit multiply-adds is taken as four times that of float32: a register holds four times as many, and a
    dot-product instruction does them all.
    """
    floats = layer.macs_32bit + layer.macs_8bit / INT8_PER_FLOAT
    arithmetic = (layer.macs_1bit / limits.binary_gmacs + floats / limits.float_gmacs) * batch
    return max(arithmetic, layer.bytes / limits.read_gbs) / 1e3
