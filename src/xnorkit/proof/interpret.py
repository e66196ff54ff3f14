"""A packed graph evaluated in plain NumPy, one operation at a time: the oracle, which uses no part of the engine.

A value is (N, H, W, C): `f32` as float32, `u8` as uint8, `bits` as int8 signs, +1 and -1. Every float step is rounded
to float32 in the order that docs/format.md gives. The long sums of float convolutions and the functions of
`activation` are computed in float64 and rounded once, so only there may an engine differ in the last places.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import InputError
from xnorkit.format import INPUT, Graph, Node, ValueSpec, arranged, family_of, filter_shape, in_words, operation_of
from xnorkit.proof.windows import correlate, pad_image, taps

__all__ = ["apply", "dots", "filter_of", "interpret", "read_images"]

Array = NDArray[Any]
F32 = np.float32


def interpret(graph: Graph, images: Array, outputs: Sequence[str] | None = None) -> dict[str, Array]:
    """Return the values of the nodes `outputs`, by default the graph's output, for images (N, C, H, W).

    Args:
        graph: a valid graph.
        images: float32, normalised as in training, or uint8 pixels.
        outputs: names of nodes, or `"input"`.

    Raises:
        InputError: uint8 images for a graph that takes no pixels, or float32 images for a graph that takes only pixels.

    Examples:
        >>> interpret(graph, images)[graph.output].reshape(len(images), -1).argmax(1)
    """
    wanted = [graph.output] if outputs is None else list(outputs)
    values = {INPUT: read_images(graph, images)}
    for node in graph.nodes:
        values[node.name] = apply(node, *(values[name] for name in node.inputs))
    return {name: values[name] for name in wanted}


def read_images(graph: Graph, images: Array) -> Array:
    """Return the value of the graph's input: (N, C, H, W) float32 or uint8 -> (N, H, W, C) of the input's kind."""
    spec = graph.input
    if not (spec.takes_pixels if images.dtype == np.uint8 else spec.takes_floats):
        raise InputError(
            f"images are {images.dtype}, but they must be the other type: the input is {in_words(spec)}. Convert "
            "them, or use a graph with a normalization."
        )
    images = arranged(images, spec.preparation) if images.dtype == np.uint8 else images
    x = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    if spec.normalization is None:
        return x
    mean, std = (np.array(v, F32) for v in (spec.normalization.mean, spec.normalization.std))
    if spec.kind == "u8" and x.dtype != np.uint8:
        # As nn.PixelQuantizer: u = clamp(rint((x * std + mean) / (1 / 255))), each step rounded to float32.
        x = np.clip(np.rint((x * std + mean) / F32(1 / 255)), 0, 255).astype(np.uint8)
    elif spec.kind == "f32" and x.dtype == np.uint8:
        x = (x.astype(F32) / F32(255) - mean) / std
    return x


def apply(node: Node, *inputs: Array) -> Array:
    """Return the value of one node from the values that it reads."""
    value = _OPS[family_of(node)](node, *inputs)
    return value if value.dtype in (np.int8, np.uint8) else value.astype(F32, copy=False)


def dots(node: Node, x: Array) -> NDArray[np.int64]:
    """Return the integers of a binary or 8-bit layer before its epilogue: (N, OH, OW, O)."""
    if operation_of(node).layer == "int8":
        # A padded pixel is the zero point, hence 0 here. Every product and sum is an integer below 2^53.
        weight = node.tensors["weight"].astype(np.float64)
        centred = x.astype(np.float64) - node.tensors["zero_point"]
        return correlate(centred, weight, node.attributes).astype(np.int64) + node.tensors["bias"]
    # Sums of at most 2^24 signs: exact in float32.
    return correlate(x.astype(F32), _signs(node, x), node.attributes).astype(np.int64)


def filter_of(node: Node, x: Array) -> tuple[int, int, int]:
    """Return the shape of one filter of a layer that reads `x`: (KH, KW, C / groups), or (H, W, C) if linear."""
    return filter_shape(node.attributes, ValueSpec("f32", *x.shape[1:]))


def _signs(node: Node, x: Array) -> Array:
    """Return the packed weight as +1 and -1: (O, KH, KW, C / groups)."""
    shape = filter_of(node, x)
    bits = np.unpackbits(node.tensors["weight"], axis=1, count=math.prod(shape), bitorder="little")
    return (1 - 2 * bits.astype(F32)).reshape(-1, *shape)


def _integer_layer(node: Node, x: Array) -> Array:
    sums = dots(node, x)
    if node.attributes["epilogue"] == "bits":
        return _threshold(sums, node)
    value = sums.astype(F32) * node.tensors["scale"].astype(F32)
    return value + node.tensors["bias"].astype(F32) if operation_of(node).binary else value


def _threshold(value: Array, node: Node) -> Array:
    minus = (value < node.tensors["threshold"]) ^ (node.tensors["flip"] == 1)
    return np.where(minus, np.int8(-1), np.int8(1))


def _float_layer(node: Node, x: Array) -> Array:
    weight, bias = (node.tensors[role].astype(F32).astype(np.float64) for role in ("weight", "bias"))
    return correlate(x.astype(np.float64), weight, node.attributes) + bias


def _binary_weight_layer(node: Node, x: Array) -> Array:
    sums = correlate(x.astype(np.float64), _signs(node, x).astype(np.float64), node.attributes).astype(F32)
    return sums * node.tensors["scale"].astype(F32) + node.tensors["bias"].astype(F32)


def _quantize(node: Node, x: Array) -> Array:
    levels = np.rint(x / F32(node.attributes["scale"])) + F32(node.attributes["zero_point"])
    return np.clip(levels, 0, 255).astype(np.uint8)


def _max_pool_bits(node: Node, x: Array) -> Array:
    """AND of "is -1" is the largest sign, OR the smallest; padding counts in neither."""
    sign = np.where(node.tensors["falling"] == 1, np.int8(-1), np.int8(1))
    return np.maximum.reduce(list(taps(x * sign, node.attributes, -2))) * sign


def _max_pool(node: Node, x: Array) -> Array:
    return np.maximum.reduce(list(taps(x, node.attributes, F32(-np.inf))))


def _avg_pool(node: Node, x: Array) -> Array:
    """Sum in row-major order, one accumulator, then one division by PyTorch's divisor of the window."""
    attributes = dict(node.attributes)
    top, left, bottom, right = attributes["padding"]
    inside = np.ones((1, *x.shape[1:3], 1), F32)
    padded = pad_image(inside, attributes["padding"], 1) if attributes["count_include_pad"] else inside
    if attributes["ceil_mode"]:
        bottom += _missing(x.shape[1] + top + bottom, top + x.shape[1], attributes, 0)
        right += _missing(x.shape[2] + left + right, left + x.shape[2], attributes, 1)
    attributes["padding"] = [top, left, bottom, right]
    total = _sum(taps(x, attributes, F32(0)))
    if node.attributes["count_include_pad"]:
        shape = (x.shape[1] + top + bottom - padded.shape[1], x.shape[2] + left + right - padded.shape[2])
        divisor = _sum(taps(padded, {**attributes, "padding": [0, 0, *shape]}, F32(0)))
    else:
        divisor = _sum(taps(padded, attributes, F32(0)))
    return total / divisor


def _missing(size: int, end: int, attributes: Mapping[str, Any], axis: int) -> int:
    """Return how many pixels ceil_mode adds after `size` padded ones; no window starts at `end` or beyond."""
    kernel, stride = attributes["kernel"][axis], attributes["stride"][axis]
    count = -(-(size - kernel) // stride) + 1
    count -= (count - 1) * stride >= end
    return max(0, (count - 1) * stride + kernel - size)


def _sum(parts: Any) -> Array:
    total: Any = F32(0)
    for part in parts:
        total = total + part
    return np.asarray(total)


def _global_avg_pool(node: Node, x: Array) -> Array:
    pixels = x.reshape(len(x), -1, x.shape[3])
    total = np.cumsum(pixels, axis=1, dtype=F32)[:, -1]  # one accumulator, in pixel order
    return (total / F32(pixels.shape[1]))[:, None, None, :]


def _affine(node: Node, x: Array) -> Array:
    if "scale" in node.tensors:
        x = x * node.tensors["scale"]
    return x + node.tensors["bias"] if "bias" in node.tensors else x


def _clip(node: Node, x: Array) -> Array:
    low, high = node.attributes["min"], node.attributes["max"]
    x = x if low is None else np.maximum(x, F32(low))
    return x if high is None else np.minimum(x, F32(high))


def _activation(node: Node, x: Array) -> Array:
    return ACTIVATIONS[node.attributes["function"]](x.astype(np.float64))


def _softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(axis=3, keepdims=True))
    return powers / powers.sum(axis=3, keepdims=True)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(x, -700, 700)))


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x * 0.5 * (1 + _erf(x / np.sqrt(2))),
    "hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(np.minimum(x, 700)))),
    "softmax": _softmax,
}
"""Functions of the op `activation`, in float64; the result is rounded to float32 once."""


def _pad(node: Node, x: Array) -> Array:
    before, after = node.attributes["channels"]
    return np.pad(pad_image(x, node.attributes["padding"], 0), ((0, 0), (0, 0), (0, 0), (before, after)))


def _k_map(node: Node, x: Array) -> Array:
    magnitude = np.cumsum(np.abs(x), axis=3, dtype=F32)[..., -1:] / F32(x.shape[3])
    height, width = node.attributes["kernel"]
    return _sum(taps(magnitude, node.attributes, F32(0))) / F32(height * width)


_OPS: Mapping[str, Callable[..., Array]] = {
    "float": _float_layer,
    "binary_weight": _binary_weight_layer,
    "int8": _integer_layer,
    "binary": _integer_layer,
    "quantize_u8": _quantize,
    "pack": lambda node, x: _threshold(x, node),
    "max_pool_bits": _max_pool_bits,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global_avg_pool,
    "add": lambda node, x, y: x + y,
    "multiply": lambda node, x, y: x * y,
    "concat": lambda node, *parts: np.concatenate(parts, axis=3),
    "affine": _affine,
    "clip": _clip,
    "prelu": lambda node, x: np.where(x >= 0, x, x * node.tensors["slope"]),
    "activation": _activation,
    "pad": _pad,
    "pad_bits": lambda node, x: pad_image(x, node.attributes["padding"], np.int8(-1)),
    "gather_channels": lambda node, x: x[..., node.tensors["index"]],
    "k_map": _k_map,
}
