"""How far the floats of a node may be from PyTorch's, whose sums run in another order."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.format import Node, family_of, operation_of
from xnorkit.proof.interpret import apply, filter_of
from xnorkit.proof.windows import correlate

__all__ = ["SLACK", "bound"]

Array = NDArray[Any]
SLACK = 32
"""Roundings in addition to those of the sum: of scale, bias, batch norm, activation, on both sides."""


def bound(node: Node, inputs: list[Array], output: Array, inner: Array | float = 0.0) -> Array:
    """Return (n + SLACK) (2^-24 m + 2^-149) for every number of a node's float output.

    A sum of n float32 numbers in any order, with or without fused multiplications, is within n 2^-24 m of the exact
    one, where m is the sum of their absolute values (Higham, Accuracy and Stability of Numerical Algorithms, section
    3.1; 2^-24 is half a unit in the last place of 1, and 2^-149 is the smallest number).

    Args:
        node: gives the output.
        inputs: the values that it reads.
        output: the trained model's.
        inner: magnitudes of the values that the trained model rounds where the node, which folds them, does not.
    """
    terms, magnitude = _MAGNITUDES.get(family_of(node), _exact)(node, [np.abs(x.astype(np.float64)) for x in inputs])
    return (terms + SLACK) * (2.0**-24 * np.maximum(np.maximum(magnitude, np.abs(output)), inner) + 2.0**-149)


def _exact(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    """Moves, choices, and products with one rounding: the output itself is the magnitude."""
    return 0, np.asarray(0.0)


def _activation(node: Node, inputs: list[Array]) -> tuple[int | Array, Array]:
    """A function that stays within 1 is as exact as 1; the others, which grow like x, as x.

    A softmax is as exact as its output: the sum of C exponentials, each with the rounding of its exponent.
    """
    function, x = node.attributes["function"], inputs[0]
    if function == "softmax":
        return x.shape[3] + 2 * x.max(axis=3, keepdims=True), np.asarray(0.0)
    return 0, np.asarray(1.0) if function in ("sigmoid", "tanh", "hardsigmoid") else np.maximum(x, 1)


def _float(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    weight, bias = (np.abs(node.tensors[role].astype(np.float64)) for role in ("weight", "bias"))
    return weight[0].size, correlate(inputs[0], weight, node.attributes) + bias


def _signs(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    """Sums with weights of +1 and -1, whose magnitudes are the same for all filters of a group."""
    scale, bias = (np.abs(node.tensors[role].astype(np.float64)) for role in ("scale", "bias"))
    groups = node.attributes.get("groups", 1)
    height, width, channels = filter_of(node, inputs[0])
    pixels = inputs[0].reshape(*inputs[0].shape[:3], groups, channels).sum(axis=4)
    sums = correlate(pixels, np.ones((groups, height, width, 1)), node.attributes)
    terms = 0 if operation_of(node).integer else height * width * channels
    return terms, np.repeat(sums, len(scale) // groups, axis=3) * scale + bias


def _int8(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    scale, bias, weight = (np.abs(node.tensors[role].astype(np.float64)) for role in ("scale", "bias", "weight"))
    return 0, correlate(np.full_like(inputs[0], 255.0), weight, node.attributes) * scale + (bias * scale)


def _affine(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    scale, bias = (np.abs(node.tensors[role]) if role in node.tensors else None for role in ("scale", "bias"))
    x = inputs[0] if scale is None else inputs[0] * scale
    return 0, x if bias is None else x + bias


def _itself(node: Node, inputs: list[Array]) -> tuple[int, Array]:
    """Sums without weights, so the output for magnitudes is m: pools, the map K, sums of two values."""
    height, width = node.attributes.get("kernel", inputs[0].shape[1:3])
    return height * width + inputs[0].shape[3], apply(node, *inputs).astype(np.float64)


_MAGNITUDES: Mapping[str, Callable[[Node, list[Array]], tuple[int | Array, Array]]] = {
    "float": _float,
    "int8": _int8,
    **dict.fromkeys(("binary", "binary_weight"), _signs),
    "affine": _affine,
    "activation": _activation,
    **dict.fromkeys(("avg_pool", "global_avg_pool", "k_map", "add", "multiply"), _itself),
}
