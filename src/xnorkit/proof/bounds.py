"""How far the floats of a node may be from PyTorch's, whose sums run in another order."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.format import Node
from xnorkit.proof.interpret import apply
from xnorkit.proof.windows import correlate

__all__ = ["SLACK", "bound"]

Array = NDArray[Any]
SLACK = 32
"""Roundings beside those of the sum: of scale, bias, batch norm, activation, on both sides."""


def bound(node: Node, inputs: list[Array], output: Array) -> Array:
    """Return (n + SLACK) 2^-24 m for every number of a node's float output.

    A sum of n float32 numbers taken in any order, with or without fused multiplications, is within n 2^-24 m of the
    exact one, m the sum of their absolute values (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1;
    2^-24 is half a unit in the last place of 1).
    """
    terms, magnitude = _MAGNITUDES.get(node.op, _pointwise)(node, [np.abs(x.astype(np.float64)) for x in inputs])
    return (terms + SLACK) * 2.0**-24 * np.maximum(magnitude, np.abs(output))


def _pointwise(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    return 0, np.asarray(inputs[0].max())


def _float(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    weight, bias = (np.abs(node.tensors[role].astype(np.float64)) for role in ("weight", "bias"))
    return weight[0].size, correlate(inputs[0], weight, node.attributes) + bias


def _signs(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    scale = np.abs(node.tensors["scale"].astype(np.float64))
    bias = np.abs(node.tensors.get("bias", np.zeros(1)).astype(np.float64))
    if node.op.startswith("int8"):
        inputs = [np.full_like(inputs[0], 255.0)]
        weight = np.abs(node.tensors["weight"].astype(np.float64))
        return 0, correlate(inputs[0], weight, node.attributes) * scale + (bias * scale)
    shape: tuple[int, ...] = inputs[0].shape[1:]
    if "kernel" in node.attributes:
        shape = (*node.attributes["kernel"], node.attributes["in_channels"] // node.attributes["groups"])
    ones = np.ones((len(scale), *shape))
    terms = ones[0].size if node.op.startswith("binary_weight") else 0
    return terms, correlate(inputs[0], ones, node.attributes) * scale + bias


def _affine(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    scale, bias = (np.abs(node.tensors[role]) if role in node.tensors else None for role in ("scale", "bias"))
    x = inputs[0] if scale is None else inputs[0] * scale
    return 0, x if bias is None else x + bias


def _itself(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    """Sums of positive numbers alone: pools, the map K, sums of two values."""
    height, width = node.attributes.get("kernel", inputs[0].shape[1:3])
    return height * width + inputs[0].shape[3], apply(node, *inputs).astype(np.float64)


_MAGNITUDES: Mapping[str, Callable[[Node, list[Array]], tuple[int, Array]]] = {
    **dict.fromkeys(("float_conv2d", "float_linear"), _float),
    **dict.fromkeys(("binary_conv2d", "binary_linear", "int8_conv2d", "int8_linear"), _signs),
    **dict.fromkeys(("binary_weight_conv2d", "binary_weight_linear"), _signs),
    "affine": _affine,
    **dict.fromkeys(("avg_pool", "global_avg_pool", "k_map", "add", "multiply"), _itself),
}
