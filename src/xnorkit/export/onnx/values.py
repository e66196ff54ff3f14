"""Operations without weights as ONNX nodes."""

import math

import numpy as np

from xnorkit.export.onnx.builder import Builder
from xnorkit.export.onnx.layers import window
from xnorkit.format import Node, ValueSpec
from xnorkit.format.geometry import output_size

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
ONE_NODE = {"sigmoid": "Sigmoid", "tanh": "Tanh", "hardswish": "HardSwish"}


def pack(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Signs: -1 where (x < threshold) xor flip.

    The threshold of x > 0 is the smallest number above 0, which a runtime that flushes subnormal numbers takes for 0.
    So the comparison is x <= the number below the threshold, which for finite x is the same.
    """
    highest = np.nextafter(node.tensors["threshold"], np.float32(-np.inf))
    below = b.op("LessOrEqual", inputs[0], b.per_channel(highest))
    flip = node.tensors["flip"].astype(bool)
    flip = flip[:, None, None] if flip.ndim == 1 else np.moveaxis(flip, 2, 0)
    minus = b.op("Xor", below, b.constant(flip)) if flip.any() else below
    return b.op("Where", minus, b.scalar(-1), b.scalar(1), name=node.name)


def quantize_u8(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Integers 0 to 255, kept as float32."""
    steps = b.op("Round", b.op("Div", inputs[0], b.scalar(node.attributes["scale"])))
    raised = b.op("Add", steps, b.scalar(node.attributes["zero_point"]))
    return b.op("Clip", raised, b.scalar(0), b.scalar(255), name=node.name)


def max_pool_bits(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """The largest sign where the function rises, the smallest where it falls: max(d * x) * d with d = -1 there."""
    direction = b.per_channel(np.float32(1) - 2 * node.tensors["falling"].astype(np.float32))
    largest = b.op("MaxPool", b.op("Mul", inputs[0], direction), **window(node))
    return b.op("Mul", largest, direction, name=node.name)


def max_pool(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """The largest number of each window."""
    return b.op("MaxPool", inputs[0], name=node.name, dilations=list(node.attributes["dilation"]), **window(node))


def avg_pool(b: Builder, node: Node, sources: Sources, inputs: Inputs) -> str:
    """The mean of each window.

    ONNX's own ceil_mode is not PyTorch's before opset 22. So the padding that counts becomes zeros around the image,
    and what the last window has beyond it becomes padding that does not count.
    """
    if not node.attributes["ceil_mode"]:
        include = int(node.attributes["count_include_pad"])
        return b.op("AveragePool", inputs[0], name=node.name, count_include_pad=include, **window(node))
    attributes = window(node)
    beyond = _beyond(node, sources[0])
    value = inputs[0]
    if node.attributes["count_include_pad"]:
        top, left, bottom, right = attributes["pads"]
        pads = b.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
        value = b.op("Pad", value, pads, b.scalar(0))
        attributes["pads"] = [0, 0, *beyond]
    else:
        attributes["pads"] = [
            *attributes["pads"][:2],
            *(p + e for p, e in zip(attributes["pads"][2:], beyond, strict=True)),
        ]
    return b.op("AveragePool", value, name=node.name, count_include_pad=0, **attributes)


def _beyond(node: Node, source: ValueSpec) -> list[int]:
    """Return how many rows and columns the last window reaches beyond the padded image."""
    a = node.attributes
    padded = (source.height + a["padding"][0] + a["padding"][2], source.width + a["padding"][1] + a["padding"][3])
    reach = ((n - 1) * s + k for n, s, k in zip(output_size(a, source), a["stride"], a["kernel"], strict=True))
    return [max(0, end - size) for end, size in zip(reach, padded, strict=True)]


def global_avg_pool(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """The mean over all positions."""
    return b.op("GlobalAveragePool", inputs[0], name=node.name)


def join(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Sum or product."""
    return b.op({"add": "Add", "multiply": "Mul"}[node.op], *inputs, name=node.name)


def concat(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Channels side by side."""
    return b.op("Concat", *inputs, name=node.name, axis=1)


def affine(b: Builder, node: Node, _: Sources, inputs: Inputs) -> str:
    """Scale, then bias."""
    value = inputs[0]
    if "scale" in node.tensors:
        name = None if "bias" in node.tensors else node.name
        value = b.op("Mul", value, b.per_channel(node.tensors["scale"]), name=name)
    if "bias" in node.tensors:
        value = b.op("Add", value, b.per_channel(node.tensors["bias"]), name=node.name)
    return value


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
