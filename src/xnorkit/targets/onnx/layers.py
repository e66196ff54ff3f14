"""Operations with weights as ONNX convolutions; a linear layer's kernel is its whole source."""

from typing import Any

import numpy as np
from onnx import TensorProto

from xnorkit.errors import ExportError
from xnorkit.format import Node, ValueSpec, filter_shape, window_of
from xnorkit.targets.onnx.builder import Builder
from xnorkit.targets.onnx.weights import binary_filters, channels_first

__all__ = ["binary", "binary_weight", "float_layer", "int8", "window"]

EXACT_PRODUCTS = 2**24 // (255 * 127)
"""Products of 8-bit integers whose float32 sum is exact in any order (docs/integer-layers.md)."""


def float_layer(b: Builder, node: Node, sources: list[ValueSpec], inputs: list[str]) -> str:
    """Convolution with bias."""
    weight = b.floats(channels_first(node.tensors["weight"]))
    return b.op("Conv", inputs[0], weight, b.floats(node.tensors["bias"]), name=node.name, **_geometry(node, sources))


def binary_weight(b: Builder, node: Node, sources: list[ValueSpec], inputs: list[str]) -> str:
    """Convolution with +1 and -1, scale, bias."""
    sums = b.op("Conv", inputs[0], _bits(b, node, sources), **_geometry(node, sources))
    return _scale_and_bias(b, node, sums)


def binary(b: Builder, node: Node, sources: list[ValueSpec], inputs: list[str]) -> str:
    """Convolution of signs: integers up to 2^24, exact in float32 in any order; then the epilogue."""
    dots = b.op("Conv", inputs[0], _bits(b, node, sources), **_geometry(node, sources))
    if node.attributes["epilogue"] == "float":
        return _scale_and_bias(b, node, b.whole(dots))
    k = int(np.prod(filter_shape(node.attributes, sources[0])))
    return _threshold(b, node, dots, k)


def int8(b: Builder, node: Node, sources: list[ValueSpec], inputs: list[str]) -> str:
    """Exact sums of 8-bit products: float32 convolutions over few enough products each, added as int32."""
    u = b.op("Sub", inputs[0], b.floats(node.tensors["zero_point"].astype(np.float32)[:, None, None]))
    weight = channels_first(node.tensors["weight"])
    channels, per_channel = weight.shape[1], int(np.prod(weight.shape[2:]))
    step = EXACT_PRODUCTS // per_channel
    if step == 0:
        raise ExportError(
            f"node '{node.name}' has {per_channel} taps, but it must have at most {EXACT_PRODUCTS}, so that ONNX's "
            "float32 sums of 8-bit products are exact."
        )
    groups = node.attributes.get("groups", 1)
    every = np.arange(groups * channels).reshape(groups, channels)
    sums = ""
    for first in range(0, channels, step):
        part = u
        if step < channels:
            part = b.op("Gather", u, b.constant(every[:, first : first + step].ravel()), axis=1)
        filters = b.op("Cast", b.constant(weight[:, first : first + step]), to=TensorProto.FLOAT)
        exact = b.op("Conv", part, filters, **_geometry(node, sources))
        integers = b.op("Cast", b.whole(exact), to=TensorProto.INT32)
        sums = b.op("Add", sums, integers) if sums else integers
    sums = b.op("Add", sums, b.constant(node.tensors["bias"][:, None, None]))
    if node.attributes["epilogue"] == "float":
        value = b.op("Cast", sums, to=TensorProto.FLOAT)
        return b.scaled(value, node.tensors["scale"], node.name)
    threshold = node.tensors["threshold"]
    limits = b.constant(threshold[:, None, None] if threshold.ndim == 1 else np.moveaxis(threshold, 2, 0))
    return _signs(b, node, b.op("Less", sums, limits))


def window(node: Node) -> dict[str, Any]:
    """Return kernel, strides and pads of a pool or convolution under ONNX's names."""
    a = node.attributes
    return {"kernel_shape": list(a["kernel"]), "strides": list(a["stride"]), "pads": list(a["padding"])}


def _geometry(node: Node, sources: list[ValueSpec]) -> dict[str, Any]:
    w = window_of(node.attributes, sources[0])
    return {
        "kernel_shape": list(w.kernel),
        "strides": list(w.stride),
        "pads": list(w.padding),
        "dilations": list(w.dilation),
        "group": w.groups,
    }


def _bits(b: Builder, node: Node, sources: list[ValueSpec]) -> str:
    return binary_filters(b, node.tensors["weight"], filter_shape(node.attributes, sources[0]))


def _scale_and_bias(b: Builder, node: Node, value: str) -> str:
    bias = node.tensors["bias"]
    if not bias.any():
        return b.scaled(value, node.tensors["scale"], node.name)
    return b.shifted(b.scaled(value, node.tensors["scale"]), bias, node.name)


def _threshold(b: Builder, node: Node, dots: str, k: int) -> str:
    """Compare in float32 with t - 1/2: for integers the same as with t, even if a runtime's sum is slightly off.

    A threshold beyond the range of a dot, -k..k, moves next to it. Halves are exact below 2^23; beyond, it uses t.
    """
    limits = np.clip(node.tensors["threshold"].astype(np.int64), -k, k + 1)
    halves = limits - 0.5 if k + 1 < 2**23 else limits
    return _signs(b, node, b.op("Less", dots, b.per_channel(halves.astype(np.float32))))


def _signs(b: Builder, node: Node, below: str) -> str:
    flip = node.tensors["flip"].astype(bool)
    flip = flip[:, None, None] if flip.ndim == 1 else np.moveaxis(flip, 2, 0)
    minus = b.op("Xor", below, b.constant(flip)) if flip.any() else below
    return b.op("Where", minus, b.scalar(-1), b.scalar(1), name=node.name)
