"""Operations without weights as ONNX nodes."""

import math

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from xnorkit.format import Node, ValueSpec, window_of
from xnorkit.format.geometry import output_size
from xnorkit.targets.onnx.builder import Builder
from xnorkit.targets.onnx.layers import window

__all__ = [
    "activation",
    "affine",
    "avg_pool",
    "clip",
    "concat",
    "gather_channels",
    "global_avg_pool",
    "join",
    "k_map",
    "max_pool",
    "max_pool_bits",
    "pack",
    "pad",
    "pad_bits",
    "prelu",
    "quantize_u8",
]

Sources = list[ValueSpec]
Inputs = list[str]
WRITTEN_OUT = 64
"""The largest window, in taps, whose mean is written out tap by tap."""
END = 2**63 - 1
TINY = np.finfo(np.float32).tiny
ONE_NODE = {"sigmoid": "Sigmoid", "tanh": "Tanh", "hardswish": "HardSwish", "mish": "Mish"}


def pack(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Signs: -1 where (x < threshold) xor flip.

    A runtime may take subnormal constants for 0: the threshold of x > 0, which is the smallest number above 0, or the
    number below the threshold 0. So x is compared in the form whose constants are not subnormal: x < threshold, or
    x <= the number below the threshold, which for finite x is the same; or, if channels differ, in both. The second
    then asks for less than it might, where its constant would be subnormal: the first says the rest.
    """
    threshold = node.tensors["threshold"]
    below = np.nextafter(threshold, np.float32(-np.inf))
    if not _subnormal(below).any():
        less = b.op("LessOrEqual", inputs[0], b.per_channel(below))
    elif not _subnormal(threshold).any():
        less = b.op("Less", inputs[0], b.per_channel(threshold))
    else:
        asked = np.where(_subnormal(below), np.where(below < 0, -TINY, np.float32(0)), below)
        parts = ("Less", threshold), ("LessOrEqual", asked)
        less = b.op("Or", *(b.op(op, inputs[0], b.per_channel(constants)) for op, constants in parts))
    flip = node.tensors["flip"].astype(bool)
    flip = flip[:, None, None] if flip.ndim == 1 else np.moveaxis(flip, 2, 0)
    minus = b.op("Xor", less, b.constant(flip)) if flip.any() else less
    return b.op("Where", minus, b.scalar(-1), b.scalar(1), name=node.name)


def _subnormal(numbers: NDArray[np.float32]) -> NDArray[np.bool_]:
    return (numbers != 0) & (np.abs(numbers) < TINY)


def quantize_u8(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Integers 0 to 255, kept as float32."""
    steps = b.op("Round", b.op("Div", inputs[0], b.scalar(node.attributes["scale"])))
    raised = b.op("Add", steps, b.scalar(node.attributes["zero_point"]))
    return b.op("Clip", raised, b.scalar(0), b.scalar(255), name=node.name)


def max_pool_bits(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """The largest sign where the function rises, the smallest where it falls: max(d * x) * d, d = -1 where it falls."""
    direction = b.per_channel(np.float32(1) - 2 * node.tensors["falling"].astype(np.float32))
    largest = b.op("MaxPool", b.op("Mul", inputs[0], direction), **window(node))
    return b.op("Mul", largest, direction, name=node.name)


def max_pool(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """The largest number of each window."""
    return b.op("MaxPool", inputs[0], name=node.name, dilations=list(node.attributes["dilation"]), **window(node))


def avg_pool(b: Builder, node: Node, sources: Sources, inputs: Inputs) -> str:
    """The mean of each window.

    ONNX does not define the order of the sum, and runtimes differ: (a + b) - a - b may be 0 in one order and not in
    another. If a sign depends on the mean, the sum is written out row by row, as in docs/format.md.

    Before opset 22, ONNX's ceil_mode differs from PyTorch's. So the padding that counts becomes zeros around the image,
    and positions of the last window beyond it become padding that does not count.
    """
    attributes = window(node)
    beyond = _beyond(node, sources[0]) if node.attributes["ceil_mode"] else [0, 0]
    include = node.attributes["count_include_pad"]
    if node.name in b.decisive and int(np.prod(node.attributes["kernel"])) <= WRITTEN_OUT:
        return _mean_by_rows(b, node, inputs[0], beyond)
    if not any(beyond):
        return b.op("AveragePool", inputs[0], name=node.name, count_include_pad=int(include), **attributes)
    value = inputs[0]
    if include:
        value = _around(b, value, attributes["pads"], 0)
        attributes["pads"] = [0, 0, *beyond]
    else:
        attributes["pads"] = _longer(attributes["pads"], beyond)
    return b.op("AveragePool", value, name=node.name, count_include_pad=0, **attributes)


def _mean_by_rows(b: Builder, node: Node, value: str, beyond: list[int]) -> str:
    """Return the mean as a sum of slices, one per tap, divided by the same sum of ones if that is not one number."""
    pads = list(node.attributes["padding"])
    total = _sum_by_rows(b, node, _around(b, value, _longer(pads, beyond), 0))
    if not any(beyond) and (node.attributes["count_include_pad"] or not any(pads)):
        return b.op("Div", total, b.scalar(float(np.prod(node.attributes["kernel"]))), name=node.name)
    shape = b.op("Concat", b.constant(np.ones(2, np.int64)), b.op("Shape", value, start=2), axis=0)
    ones = b.op("ConstantOfShape", shape, value=numpy_helper.from_array(np.ones(1, np.float32)))
    inside = _around(b, _around(b, ones, pads, int(node.attributes["count_include_pad"])), [0, 0, *beyond], 0)
    return b.op("Div", total, _sum_by_rows(b, node, inside), name=node.name)


def _sum_by_rows(b: Builder, node: Node, padded: str) -> str:
    """Add the taps (ky, kx) in order; a tap's slice ends where the last window still fits."""
    height, width = node.attributes["kernel"]
    axes, steps = (b.constant(np.array(v, np.int64)) for v in ([2, 3], node.attributes["stride"]))
    total = ""
    for ky, kx in np.ndindex(height, width):
        first = b.constant(np.array([ky, kx], np.int64))
        ends = [left - size + 1 or END for left, size in ((ky, height), (kx, width))]
        tap = b.op("Slice", padded, first, b.constant(np.array(ends, np.int64)), axes, steps)
        total = b.op("Add", total, tap) if total else tap
    return total


def _around(b: Builder, value: str, pads: list[int], number: float) -> str:
    """Return an image padded with a number: [top, left, bottom, right]."""
    if not any(pads):
        return value
    top, left, bottom, right = pads
    return b.op("Pad", value, b.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)), b.scalar(number))


def _longer(pads: list[int], beyond: list[int]) -> list[int]:
    return [*pads[:2], pads[2] + beyond[0], pads[3] + beyond[1]]


def _beyond(node: Node, source: ValueSpec) -> list[int]:
    """Return how many rows and columns the last window reaches beyond the padded image."""
    w = window_of(node.attributes, source)
    padded = (source.height + w.padding[0] + w.padding[2], source.width + w.padding[1] + w.padding[3])
    reach = ((n - 1) * s + k for n, s, k in zip(output_size(w, source), w.stride, w.kernel, strict=True))
    return [max(0, end - size) for end, size in zip(reach, padded, strict=True)]


def global_avg_pool(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """The mean over all positions; if a sign depends on it, from the last of the running sums in pixel order."""
    if node.name not in b.decisive:
        return b.op("GlobalAveragePool", inputs[0], name=node.name)
    pixels = b.op("Reshape", inputs[0], b.constant(np.array([0, 0, -1, 1], np.int64)))
    running = b.op("CumSum", pixels, b.scalar(2, np.int64))
    total = b.op("Gather", running, b.constant(np.array([-1], np.int64)), axis=2)
    count = b.op("ReduceProd", b.op("Shape", inputs[0], start=2), keepdims=0)
    return b.op("Div", total, b.op("Cast", count, to=TensorProto.FLOAT), name=node.name)


def join(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Sum or product."""
    return b.op({"add": "Add", "multiply": "Mul"}[node.op], *inputs, name=node.name)


def concat(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Concatenation of channels."""
    return b.op("Concat", *inputs, name=node.name, axis=1)


def affine(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Scale, then bias."""
    value, scale, bias = inputs[0], node.tensors.get("scale"), node.tensors.get("bias")
    if scale is not None:
        value = b.scaled(value, scale, node.name if bias is None else None)
    return value if bias is None else b.shifted(value, bias, node.name)


def clip(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Bounds, each of which may be absent."""
    bounds = ["" if v is None else b.scalar(v) for v in (node.attributes["min"], node.attributes["max"])]
    return b.op("Clip", inputs[0], *bounds, name=node.name)


def prelu(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """A slope per channel for negative numbers."""
    return b.op("PRelu", inputs[0], b.per_channel(node.tensors["slope"]), name=node.name)


def activation(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Functions of one number, and the softmax."""
    (x,), function = inputs, node.attributes["function"]
    if function in ONE_NODE:
        return b.op(ONE_NODE[function], x, name=node.name)
    if function == "softmax":
        return b.op("Softmax", x, name=node.name, axis=1)
    if function == "hardsigmoid":
        return b.op("HardSigmoid", x, name=node.name, alpha=1 / 6, beta=0.5)
    if function == "silu":
        return b.op("Mul", x, b.op("Sigmoid", x), name=node.name)
    erf = b.op("Erf", b.op("Div", x, b.scalar(math.sqrt(2))))
    return b.op("Mul", b.op("Mul", x, b.op("Add", erf, b.scalar(1))), b.scalar(0.5), name=node.name)


def pad(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Zeros around image and channels."""
    top, left, bottom, right = node.attributes["padding"]
    before, after = node.attributes["channels"]
    pads = b.constant(np.array([0, before, top, left, 0, after, bottom, right], np.int64))
    return b.op("Pad", inputs[0], pads, b.scalar(0), name=node.name)


def pad_bits(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Signs -1 around the image."""
    top, left, bottom, right = node.attributes["padding"]
    pads = b.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
    return b.op("Pad", inputs[0], pads, b.scalar(-1), name=node.name)


def gather_channels(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Channels in another order."""
    return b.op("Gather", inputs[0], b.constant(node.tensors["index"].astype(np.int64)), name=node.name, axis=1)


def k_map(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Mean of absolute values over channels, summed over windows by a convolution with ones, divided by their size."""
    mean = b.op("ReduceMean", b.op("Abs", inputs[0]), b.constant(np.array([1], np.int64)), keepdims=1)
    kernel = tuple(node.attributes["kernel"])
    ones = b.constant(np.ones((1, 1, *kernel), np.float32))
    total = b.op("Conv", mean, ones, dilations=list(node.attributes["dilation"]), **window(node))
    return b.op("Div", total, b.scalar(float(np.prod(kernel))), name=node.name)
