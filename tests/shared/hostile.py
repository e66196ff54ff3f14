"""Small graphs that ask for much: the kinds of files of which a reader must say no before it builds anything."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from xnorkit.format import Graph, InputSpec, Node

__all__ = ["HOSTILE", "window"]

LARGEST = 2**24


def window(kernel: int, padding: int = 0, **more: Any) -> dict[str, Any]:
    return {"kernel": [kernel] * 2, "stride": [1, 1], "padding": [padding] * 4, **more}


def _one(op: str, shape: tuple[int, int, int], attributes: dict[str, Any], kind: Any = "f32", **tensors: Any) -> Graph:
    return Graph("hostile", InputSpec(shape, None, kind), (Node("y", op, ("input",), attributes, tensors),), "y")


def _conv(op: str, shape: tuple[int, int, int], attributes: dict[str, Any]) -> Graph:
    attributes = {"dilation": [1, 1], "groups": 1, "in_channels": shape[0], "out_channels": 1, **attributes}
    taps = (1, *attributes["kernel"], shape[0])
    zero = np.zeros(1, np.float32)
    if op == "int8_conv2d":
        tensors: dict[str, Any] = {"weight": np.ones(taps, np.int8), "zero_point": np.zeros(shape[0], np.uint8)}
        tensors |= {"bias": np.zeros(1, np.int32), "scale": zero + 1}
        return _one(op, shape, {**attributes, "epilogue": "float"}, "u8", **tensors)
    return _one(op, shape, attributes, weight=np.ones(taps, np.float32), bias=zero)


def _binary(shape: tuple[int, int, int], attributes: dict[str, Any]) -> Graph:
    channels = shape[0]
    pack = {"threshold": np.zeros(channels, np.float32), "flip": np.zeros(channels, np.uint8)}
    attributes = {"groups": 1, "in_channels": channels, "out_channels": 1, "epilogue": "bits", **attributes}
    bits = int(np.prod(attributes["kernel"])) * channels // attributes["groups"]
    out = attributes["out_channels"]
    weight = np.packbits(np.zeros((out, bits), np.uint8), axis=1)
    thresholds = {"threshold": np.zeros(out, np.int32), "flip": np.zeros(out, np.uint8)}
    nodes = (
        Node("signs", "pack", ("input",), {}, pack),
        Node("y", "binary_conv2d", ("signs",), attributes, {"weight": weight, **thresholds}),
        Node("index", "gather_channels", ("y",), {"out_channels": 1}, {"index": np.zeros(1, np.int32)}),
        Node("last", "binary_conv2d", ("index",), *_last()),
    )
    return Graph("hostile", InputSpec(shape), nodes, "last")


def _last() -> tuple[dict[str, Any], dict[str, Any]]:
    attributes = {**window(1), "dilation": [1, 1], "groups": 1, "in_channels": 1, "out_channels": 1}
    one = np.ones(1, np.float32)
    return {**attributes, "epilogue": "float"}, {"weight": np.zeros((1, 1), np.uint8), "scale": one, "bias": one}


def _alive(count: int) -> Graph:
    """Values that all live until the end."""
    nodes = [Node("v0", "clip", ("input",), {"min": 0, "max": None})]
    nodes += [Node(f"v{i}", "clip", (f"v{i - 1}",), {"min": -i, "max": None}) for i in range(1, count)]
    sums = ["v0", *(f"s{i}" for i in range(1, count))]
    nodes += [Node(sums[i], "add", (sums[i - 1], f"v{i}")) for i in range(1, count)]
    return Graph("hostile", InputSpec((1, 2048, 2048)), tuple(nodes), sums[-1])


def _chain(count: int) -> Graph:
    nodes = [
        Node(f"v{i}", "clip", (f"v{i - 1}" if i else "input",), {"min": float(-i), "max": None}) for i in range(count)
    ]
    return Graph("hostile", InputSpec((1, 2, 2)), tuple(nodes), f"v{count - 1}")


def _listed(size: int) -> Graph:
    """A header that takes long to parse."""
    lists: list[Any] = []
    for _ in range(27):
        lists = [lists]
    return replace(_chain(1), metadata={"lists": [lists] * (size // 57)})


def _functions(count: int) -> Graph:
    """Work without end on a small value."""
    nodes = [Node(f"v{i}", "activation", (f"v{i - 1}" if i else "input",), {"function": "gelu"}) for i in range(count)]
    return Graph("hostile", InputSpec((1, 1024, 1024)), tuple(nodes), f"v{count - 1}")


def _filters(op: str, count: int, channels: int, **tensors: Any) -> Graph:
    """Layers of one output each, which an engine computes in blocks of many lanes."""
    attributes = {"out_features": 1, **({} if op.startswith("float") else {"epilogue": "float"})}
    nodes = [Node(f"y{i}", op, ("input",), attributes, tensors) for i in range(count)]
    kind: Any = "f32"
    if op == "int8_linear":
        kind = "u8"
    elif op == "binary_linear":
        pack = {"threshold": np.zeros(channels, np.float32), "flip": np.zeros(channels, np.uint8)}
        nodes = [Node("signs", "pack", ("input",), {}, pack), *(replace(node, inputs=("signs",)) for node in nodes)]
    nodes.append(Node("all", "concat", tuple(f"y{i}" for i in range(count))))
    return Graph("hostile", InputSpec((channels, 1, 1), None, kind), tuple(nodes), "all")


def _groups(op: str, groups: int, outs: int, kernel: int) -> Graph:
    """Groups of few outputs each, on an image of one pixel."""
    ends = {"weight": np.ones((groups * outs, kernel, kernel, 1), np.float16)}
    if op.startswith("binary_weight"):
        ends = {"weight": np.zeros((groups * outs, -(-kernel * kernel // 8)), np.uint8)}
        ends["scale"] = np.ones(groups * outs, np.float16)
    attributes = {**window(kernel, kernel // 2), "dilation": [1, 1], "groups": groups}
    attributes |= {"in_channels": groups, "out_channels": groups * outs}
    return _one(op, (groups, 1, 1), attributes, **ends, bias=np.ones(groups * outs, np.float16))


_ONE = np.ones(1, np.float16)
_FAR = {"stride": [LARGEST, LARGEST]}
_POOL = {"max_pool": {"dilation": [1, 1]}, "avg_pool": {"ceil_mode": False, "count_include_pad": True}}

HOSTILE: Mapping[str, tuple[str, Callable[[], Graph]]] = {
    **{
        f"{op} of 2^24": (
            "padding",
            lambda op=op: _one(op, (1, 8, 8), {**window(LARGEST, LARGEST - 1), **_FAR, **_POOL[op]}),
        )
        for op in _POOL
    },
    **{
        f"{op} of a line": (
            "padding",
            lambda op=op: _one(
                op,
                (1, 8, 8),
                {"kernel": [LARGEST, 1], **_FAR, "padding": [LARGEST - 1, 0] * 2, **_POOL[op]},
            ),
        )
        for op in _POOL
    },
    "k_map of 2^13": ("padding", lambda: _one("k_map", (1, 8, 8), window(8190, 8100, dilation=[1, 1]))),
    "wide pool": ("work", lambda: _one("max_pool", (1, 4096, 4096), window(1025, 512, dilation=[1, 1]))),
    "wide k_map": ("work", lambda: _one("k_map", (1, 2048, 2048), window(1025, 512, dilation=[1, 1]))),
    "int8 padding": (
        "padding",
        lambda: _conv("int8_conv2d", (1, 1, 1), {**window(1, 0), "padding": [LARGEST - 1, 0, 0, 0], "stride": [64, 1]}),
    ),
    "int8 padded image": (
        "values",
        lambda: _conv("int8_conv2d", (16, 8, 8), {**window(1, 2000), "stride": [64, 64]}),
    ),
    "1x1 on 8192 x 8192": ("plan", lambda: _conv("float_conv2d", (1, 8192, 8192), window(1))),
    "16 values": ("values", lambda: _alive(16)),
    "dilated window": ("plan", lambda: _binary((1, 64, 64), {**window(127, 504), "dilation": [4, 4]})),
    "20,000 nodes": ("header", lambda: _chain(20_000)),
    "5,000 nodes": ("nodes", lambda: _chain(5_000)),
    "lists in lists": ("header", lambda: _listed(3_000_000)),
    "functions": ("work", lambda: _functions(100)),
    "float filters of one output": (
        "plan",
        lambda: _filters("float_linear", 40, 2**16, weight=np.ones((1, 1, 1, 2**16), np.float16), bias=_ONE),
    ),
    "binary filters of one output": (
        "plan",
        lambda: _filters("binary_linear", 40, 2**19, weight=np.zeros((1, 2**16), np.uint8), scale=_ONE, bias=_ONE),
    ),
    "8-bit filters of one output": (
        "plan",
        lambda: _filters(
            "int8_linear",
            100,
            33_000,
            weight=np.ones((1, 1, 1, 33_000), np.int8),
            zero_point=np.zeros(33_000, np.uint8),
            bias=np.zeros(1, np.int32),
            scale=_ONE,
        ),
    ),
    "groups of two outputs": ("plan", lambda: _groups("float_conv2d", 2**16, 2, 5)),
    "binary weights of one channel each": ("plan", lambda: _groups("binary_weight_conv2d", 64, 1, 601)),
    "zeros around": (
        "values",
        lambda: _one("pad", (1, 1, 1), {"padding": [4000] * 4, "channels": [0, 0]}),
    ),
}
"""Kind -> the limit that it goes beyond, and its graph."""
