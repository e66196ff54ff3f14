"""Node -> engine operation: one small function per family of operations."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from xnorkit import _engine
from xnorkit.format import Node, ValueSpec, window_of

__all__ = ["BUILDERS", "INTEGERS", "Builder"]

Builder = Callable[[_engine.Program, Sequence[int], Node, Sequence[ValueSpec]], int]
P = _engine.Program
Ids = Sequence[int]
Specs = Sequence[ValueSpec]


def _geometry(node: Node, sources: Specs) -> _engine.ConvGeometry:
    w = window_of(node.attributes, sources[0])
    return _engine.ConvGeometry(w.kernel, w.stride, w.padding, w.dilation, w.groups)


def _arrays(node: Node, *roles: str) -> list[Any]:
    return [_array(node, role) for role in roles]


def _array(node: Node, role: str) -> Any:
    """Return a contiguous tensor of a node, or None if it is absent; float16 is widened to float32."""
    if role not in node.tensors:
        return None
    array = node.tensors[role]
    return np.ascontiguousarray(array.astype(np.float32) if array.dtype == np.float16 else array)


def _weight(node: Node) -> tuple[Any, int]:
    (weight,) = _arrays(node, "weight")
    return weight, len(weight)


def _float(program: P, ids: Ids, node: Node, sources: Specs) -> int:
    weight, bias = _arrays(node, "weight", "bias")
    return program.float_conv2d(ids[0], weight, bias, _geometry(node, sources))


def _binary_weight(program: P, ids: Ids, node: Node, sources: Specs) -> int:
    geometry = _geometry(node, sources)
    return program.binary_weight_conv2d(ids[0], *_weight(node), geometry, *_arrays(node, "scale", "bias"))


def _binary(program: P, ids: Ids, node: Node, sources: Specs) -> int:
    geometry = _geometry(node, sources)
    if node.attributes["epilogue"] == "bits":
        return program.binary_conv2d_bits(ids[0], *_weight(node), geometry, *_arrays(node, "threshold", "flip"))
    return program.binary_conv2d_f32(ids[0], *_weight(node), geometry, *_arrays(node, "scale", "bias"))


def _binary_integers(program: P, ids: Ids, node: Node, sources: Specs) -> int:
    return program.binary_conv2d_i32(ids[0], *_weight(node), _geometry(node, sources))


def _int8(program: P, ids: Ids, node: Node, sources: Specs) -> int:
    weight, zero_point, bias = _arrays(node, "weight", "zero_point", "bias")
    geometry = _geometry(node, sources)
    if node.attributes["epilogue"] == "bits":
        threshold, flip = _arrays(node, "threshold", "flip")
        return program.int8_conv2d_bits(ids[0], weight, zero_point, bias, geometry, threshold, flip)
    return program.int8_conv2d_f32(ids[0], weight, zero_point, bias, geometry, _array(node, "scale"))


def _int8_integers(program: P, ids: Ids, node: Node, sources: Specs) -> int:
    weight, zero_point, bias = _arrays(node, "weight", "zero_point", "bias")
    return program.int8_conv2d_i32(ids[0], weight, zero_point, bias, _geometry(node, sources))


def _avg_pool(program: P, ids: Ids, node: Node, sources: Specs) -> int:
    a = node.attributes
    return program.avg_pool(ids[0], _geometry(node, sources), a["ceil_mode"], a["count_include_pad"])


def _clip(program: P, ids: Ids, node: Node, _: Specs) -> int:
    low, high = node.attributes["min"], node.attributes["max"]
    return program.clip(ids[0], -math.inf if low is None else low, math.inf if high is None else high)


def _pad(program: P, ids: Ids, node: Node, _: Specs) -> int:
    top, left, bottom, right = node.attributes["padding"]
    return program.pad(ids[0], (top, left, bottom, right), *node.attributes["channels"])


def _pad_bits(program: P, ids: Ids, node: Node, _: Specs) -> int:
    top, left, bottom, right = node.attributes["padding"]
    return program.pad_bits(ids[0], (top, left, bottom, right))


BUILDERS: Mapping[str, Builder] = {
    "float": _float,
    "binary_weight": _binary_weight,
    "int8": _int8,
    "binary": _binary,
    "pack": lambda p, ids, node, _: p.pack(ids[0], *_arrays(node, "threshold", "flip")),
    "quantize_u8": lambda p, ids, node, _: p.quantize_u8(
        ids[0], node.attributes["scale"], node.attributes["zero_point"]
    ),
    "max_pool_bits": lambda p, ids, node, s: p.max_pool_bits(ids[0], _geometry(node, s), *_arrays(node, "falling")),
    "max_pool": lambda p, ids, node, s: p.max_pool(ids[0], _geometry(node, s)),
    "avg_pool": _avg_pool,
    "global_avg_pool": lambda p, ids, *_: p.global_avg_pool(ids[0]),
    "add": lambda p, ids, *_: p.add(ids[0], ids[1]),
    "multiply": lambda p, ids, *_: p.multiply(ids[0], ids[1]),
    "concat": lambda p, ids, *_: p.concat(list(ids)),
    "affine": lambda p, ids, node, _: p.affine(ids[0], *_arrays(node, "scale", "bias")),
    "clip": _clip,
    "prelu": lambda p, ids, node, _: p.prelu(ids[0], *_arrays(node, "slope")),
    "activation": lambda p, ids, node, _: p.activation(ids[0], node.attributes["function"]),
    "pad": _pad,
    "pad_bits": _pad_bits,
    "gather_channels": lambda p, ids, node, _: p.gather_channels(ids[0], *_arrays(node, "index")),
    "k_map": lambda p, ids, node, s: p.k_map(ids[0], _geometry(node, s)),
}
"""`family_of(node)` -> the function that adds it to the engine."""

INTEGERS: Mapping[str, Builder] = {
    "binary": _binary_integers,
    "int8": _int8_integers,
}
"""Layers with integer sums -> the function that adds only these sums."""
