"""The operations of docs/format.md once more, in plain NumPy on +1 / -1 numbers; uses nothing of the engine.

A sign value is (N, H, W, C) int64 of +1 and -1; padding is 0, so that a padded tap drops out of the sum by itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.format import Graph, Node, ValueSpec

Array = NDArray[Any]


@dataclass
class Expected:
    """What a node makes: signs or float32 exactly (error None), or float64 and the most that float32 may differ."""

    value: Array
    error: Array | None = None
    dots: Array | None = None


def pixels(graph: Graph, images: Array) -> Array:
    """(N, C, H, W) -> (N, H, W, C) float32, uint8 normalised step by step."""
    if images.dtype == np.uint8:
        assert graph.input.normalization is not None
        shape = (1, -1, 1, 1)
        mean = np.array(graph.input.normalization.mean, np.float32).reshape(shape)
        std = np.array(graph.input.normalization.std, np.float32).reshape(shape)
        images = (images.astype(np.float32) / np.float32(255) - mean) / std
    return images.transpose(0, 2, 3, 1)


def apply(node: Node, source: Array) -> Expected:
    """Value of one node for a given value of its source."""
    return {
        "float_conv2d": _float,
        "float_linear": _float,
        "pack": _pack,
        "max_pool_bits": _pool,
        "binary_conv2d": _binary,
        "binary_linear": _binary,
    }[node.op](node, source)


def signs_of_words(words: Array, spec: ValueSpec) -> Array:
    """(N, H, W, words) uint32 -> signs, one bit after the other; padding bits must be 0."""
    number = words.shape[3]
    assert words.shape[1:] == (spec.height, spec.width, -(-spec.channels // 32))
    bits = np.stack([words[..., c // 32] >> np.uint32(c % 32) & np.uint32(1) for c in range(number * 32)], axis=-1)
    assert not bits[..., spec.channels :].any(), "padding bits"
    return 1 - 2 * bits[..., : spec.channels].astype(np.int64)


def _pack(node: Node, x: Array) -> Expected:
    minus = (x < node.tensors["threshold"]) ^ (node.tensors["flip"] == 1)
    return Expected(np.where(minus, -1, 1))


def _pool(node: Node, x: Array) -> Expected:
    """AND of "is -1": the largest sign; OR: the smallest. Padding takes part in neither."""
    falling = node.tensors["falling"] == 1
    rising_max = _windows(node, np.where(falling, -x, x), fill=-2).max(axis=(3, 4))
    return Expected(np.where(falling, -rising_max, rising_max))


def _binary(node: Node, x: Array) -> Expected:
    weight = _binary_weight(node, x)
    dots = _correlate(node, x, weight).astype(np.int64)
    if node.attributes["epilogue"] == "bits":
        minus = (dots < node.tensors["threshold"]) ^ (node.tensors["flip"] == 1)
        return Expected(np.where(minus, -1, 1), dots=dots)
    value = dots.astype(np.float32) * node.tensors["scale"]
    return Expected(value + node.tensors["bias"], dots=dots)


def _binary_weight(node: Node, x: Array) -> Array:
    shape = (*node.attributes["kernel"], x.shape[3]) if "kernel" in node.attributes else x.shape[1:]
    rows = node.tensors["weight"]
    number = int(np.prod(shape))
    bits = np.stack([rows[:, b // 8] >> np.uint8(b % 8) & np.uint8(1) for b in range(number)], axis=1)
    return (1 - 2 * bits.astype(np.int64)).reshape(len(rows), *shape)


def _float(node: Node, x: Array) -> Expected:
    """Any order of a sum of n float32 products and a bias is within n + 1 roundings of the sum of absolute values."""
    weight, bias = (node.tensors[role].astype(np.float64) for role in ("weight", "bias"))
    x = x.astype(np.float64)
    value = _correlate(node, x, weight) + bias
    size = _correlate(node, np.abs(x), np.abs(weight)) + np.abs(bias)
    error = (weight[0].size + 2) * 2.0**-24 * size
    return Expected(value, error)


def _correlate(node: Node, x: Array, weight: Array) -> Array:
    if "kernel" not in node.attributes:
        return np.tensordot(x, weight, ([1, 2, 3], [1, 2, 3]))[:, None, None, :]
    assert node.attributes["groups"] == 1
    return np.einsum("nyxhwc,ohwc->nyxo", _windows(node, x, fill=0), weight, optimize=True)


def _windows(node: Node, x: Array, fill: int) -> Array:
    """(N, H, W, C) -> (N, OH, OW, KH, KW, C)."""
    attributes = node.attributes
    top, left, bottom, right = attributes["padding"]
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    (kh, kw), (sh, sw), (dh, dw) = (
        (attributes[k] for k in ("kernel", "stride", "dilation"))
        if ("dilation" in attributes)
        else (attributes["kernel"], attributes["stride"], (1, 1))
    )
    reach_h, reach_w = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    rows = range(0, padded.shape[1] - reach_h + 1, sh)
    columns = range(0, padded.shape[2] - reach_w + 1, sw)
    return np.stack(
        [np.stack([padded[:, y : y + reach_h : dh, c : c + reach_w : dw] for c in columns], axis=1) for y in rows],
        axis=1,
    )
