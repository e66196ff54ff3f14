"""A small graph for every operation and option of docs/format.md, so that each consumer of graphs can try them all."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.format import Graph, InputSpec, Node, Normalization
from xnorkit.format.operations import ACTIVATIONS

__all__ = ["CASES", "case", "images_for"]

CHANNELS, HEIGHT, WIDTH = 3, 6, 5
NORMALIZATION = Normalization((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
Arrays = dict[str, NDArray[Any]]


def _conv(channels: int, out: int, **changes: Any) -> dict[str, Any]:
    geometry = {"kernel": [3, 2], "stride": [1, 1], "padding": [1, 0, 2, 1], "dilation": [1, 1], "groups": 1}
    return {**geometry, "in_channels": channels, "out_channels": out, **changes}


def _window(**changes: Any) -> dict[str, Any]:
    return {"kernel": [2, 3], "stride": [2, 1], "padding": [1, 0, 0, 1], **changes}


class _Maker:
    """Nodes with random tensors from a seed; the first ones make values of 3, 40 and 6 channels to read."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Node] = []

    def add(self, name: str, op: str, inputs: tuple[str, ...], attributes: dict[str, Any], **tensors: Any) -> str:
        self.nodes.append(Node(name, op, inputs, attributes, tensors))
        return name

    def floats(self, *shape: int) -> NDArray[np.float32]:
        return self.rng.standard_normal(shape, dtype=np.float32)

    def flags(self, *shape: int) -> NDArray[np.uint8]:
        return self.rng.integers(0, 2, shape, dtype=np.uint8)

    def packed(self, rows: int, k: int) -> NDArray[np.uint8]:
        return np.packbits(self.flags(rows, k), axis=1, bitorder="little")

    def thresholds(self, *shape: int) -> Arrays:
        return {"threshold": self.rng.integers(-4, 5, shape, dtype=np.int32), "flip": self.flags(*shape)}

    def scale_bias(self, out: int) -> Arrays:
        return {"scale": self.floats(out), "bias": self.floats(out)}

    def wide(self, channels: int) -> str:
        """A float value of other channels, by a 1x1 convolution."""
        attributes = _conv(CHANNELS, channels, kernel=[1, 1], padding=[0] * 4)
        weight = self.floats(channels, 1, 1, CHANNELS)
        return self.add("wide", "float_conv2d", ("input",), attributes, weight=weight, bias=self.floats(channels))

    def signs(self, channels: int = 40) -> str:
        tensors = {"threshold": self.floats(channels), "flip": self.flags(channels)}
        return self.add("signs", "pack", (self.wide(channels),), {}, **tensors)

    def int8(self, op: str, attributes: dict[str, Any], shape: tuple[int, ...]) -> Arrays:
        out = shape[0]
        scale = {"scale": np.abs(self.floats(out)) / 1000} if attributes["epilogue"] == "float" else {}
        return {
            "weight": self.rng.integers(-127, 128, shape).astype(np.int8),
            "zero_point": self.rng.integers(0, 256, CHANNELS).astype(np.uint8),
            "bias": self.rng.integers(-5000, 5000, out, dtype=np.int32),
            **scale,
        }


def case(name: str, seed: int = 0) -> Graph:
    """Return the graph of one of `CASES`."""
    maker = _Maker(seed)
    kind, dynamic = CASES[name](maker) or ("f32", False)
    spec = InputSpec((CHANNELS, HEIGHT, WIDTH), NORMALIZATION, kind, dynamic)
    return Graph(name, spec, tuple(maker.nodes), maker.nodes[-1].name)


def images_for(graph: Graph, count: int = 3, seed: int = 1) -> NDArray[np.float32]:
    """Return normalised float32 images, which for a graph of pixels are those of random pixels."""
    rng = np.random.default_rng(seed)
    channels, height, width = graph.input.shape
    pixels = rng.integers(0, 256, (count, channels, height, width), dtype=np.uint8)
    table = NORMALIZATION.table()
    return np.stack([table[c][pixels[:, c]] for c in range(channels)], axis=1)


def _float_conv(m: _Maker, **changes: Any) -> None:
    attributes = _conv(CHANNELS, 6, **changes)
    weight = m.floats(6, *attributes["kernel"], CHANNELS // attributes["groups"])
    m.add("y", "float_conv2d", ("input",), attributes, weight=weight, bias=m.floats(6))


def _half(m: _Maker) -> None:
    weight = m.floats(6, 3, 2, CHANNELS).astype(np.float16)
    m.add("y", "float_conv2d", ("input",), _conv(CHANNELS, 6), weight=weight, bias=m.floats(6).astype(np.float16))


def _float_linear(m: _Maker) -> None:
    weight = m.floats(7, HEIGHT, WIDTH, CHANNELS)
    m.add("y", "float_linear", ("input",), {"out_features": 7}, weight=weight, bias=m.floats(7))


def _binary_weight_conv(m: _Maker, **changes: Any) -> None:
    attributes = _conv(CHANNELS, 6, **changes)
    k = 6 * CHANNELS // attributes["groups"]
    m.add("y", "binary_weight_conv2d", ("input",), attributes, weight=m.packed(6, k), **m.scale_bias(6))


def _binary_weight_linear(m: _Maker) -> None:
    weight = m.packed(7, HEIGHT * WIDTH * CHANNELS)
    m.add("y", "binary_weight_linear", ("input",), {"out_features": 7}, weight=weight, **m.scale_bias(7))


def _int8(m: _Maker, op: str, epilogue: str, **changes: Any) -> tuple[str, bool]:
    if op == "int8_conv2d":
        attributes = {**_conv(CHANNELS, 6, **changes), "epilogue": epilogue}
        shape: tuple[int, ...] = (6, *attributes["kernel"], CHANNELS // attributes["groups"])
    else:
        attributes = {"out_features": 6, "epilogue": epilogue}
        shape = (6, HEIGHT, WIDTH, CHANNELS)
    tensors = m.int8(op, attributes, shape)
    if epilogue == "bits":
        tensors |= {"threshold": m.rng.integers(-20000, 20000, 6).astype(np.int32), "flip": m.flags(6)}
    m.add("y", op, ("input",), attributes, **tensors)
    _to_floats(m, epilogue == "bits", 6)
    return "u8", False


def _to_floats(m: _Maker, bits: bool, channels: int) -> None:
    """A graph gives floats: bits go through one more layer."""
    if bits:
        attributes = {**_conv(channels, 5, kernel=[1, 1], padding=[0] * 4), "epilogue": "float"}
        m.add("z", "binary_conv2d", ("y",), attributes, weight=m.packed(5, channels), **m.scale_bias(5))


def _quantize(m: _Maker) -> None:
    m.add("u", "quantize_u8", ("input",), {"scale": 0.03, "zero_point": 100})
    attributes = {"out_features": 6, "epilogue": "float"}
    m.add("y", "int8_linear", ("u",), attributes, **m.int8("", attributes, (6, HEIGHT, WIDTH, CHANNELS)))


def _binary_conv(m: _Maker, epilogue: str, positions: bool = False, channels: int = 40, **changes: Any) -> None:
    out = 36
    attributes = {**_conv(channels, out, **changes), "epilogue": epilogue}
    k = int(np.prod(attributes["kernel"])) * channels // attributes["groups"]
    m.signs(channels)
    shape = (7, 5, out) if positions else (out,)
    tensors = m.thresholds(*shape) if epilogue == "bits" else m.scale_bias(out)
    m.add("y", "binary_conv2d", ("signs",), attributes, weight=m.packed(out, k), **tensors)
    _to_floats(m, epilogue == "bits", out)


def _binary_linear(m: _Maker, epilogue: str) -> None:
    source = m.signs(40)
    tensors = m.thresholds(36) if epilogue == "bits" else m.scale_bias(36)
    attributes = {"out_features": 36, "epilogue": epilogue}
    m.add("y", "binary_linear", (source,), attributes, weight=m.packed(36, HEIGHT * WIDTH * 40), **tensors)
    _to_floats(m, epilogue == "bits", 36)


def _pack_positions(m: _Maker) -> None:
    shape = (HEIGHT, WIDTH, CHANNELS)
    m.add("y", "pack", ("input",), {}, threshold=m.floats(*shape), flip=m.flags(*shape))
    _to_floats(m, True, CHANNELS)


def _max_pool_bits(m: _Maker) -> None:
    m.add("y", "max_pool_bits", (m.signs(40),), _window(), falling=m.flags(40))
    _to_floats(m, True, 40)


def _pad_bits(m: _Maker, channels: int = 40, groups: int = 1) -> None:
    m.add("padded", "pad_bits", (m.signs(channels),), {"padding": [1, 2, 0, 1]})
    attributes = {**_conv(channels, 36, groups=groups, padding=[0] * 4), "epilogue": "float"}
    weight = m.packed(36, 6 * channels // groups)
    m.add("y", "binary_conv2d", ("padded",), attributes, weight=weight, **m.scale_bias(36))


def _avg_pool(m: _Maker, **changes: Any) -> None:
    attributes = {**_window(), "ceil_mode": False, "count_include_pad": False, **changes}
    m.add("y", "avg_pool", (m.wide(6),), attributes)


def _join(m: _Maker, op: str, shape: str) -> None:
    value = m.wide(6)
    other = value
    if shape == "channels":
        other = m.add("mean", "global_avg_pool", (value,), {})
    elif shape == "positions":
        other = m.add("map", "k_map", (value,), {**_window(kernel=[1, 1], stride=[1, 1], padding=[0] * 4), **_dilated})
    elif shape == "other":
        other = m.add("other", "clip", (value,), {"min": 0, "max": None})
    m.add("y", op, (value, other), {})


_dilated: dict[str, Any] = {"dilation": [1, 1]}


def _concat(m: _Maker, bits: bool) -> None:
    if bits:
        signs = m.signs(40)
        picked = m.add("few", "gather_channels", (signs,), {"out_channels": 7}, index=np.int32([0, 39, 3, 3, 33, 8, 9]))
        m.add("y", "concat", (picked, signs, picked), {})
        _to_floats(m, True, 54)
    else:
        m.add("y", "concat", (m.wide(6), "input"), {})


def _affine(m: _Maker, roles: str, positions: bool = False) -> None:
    shape = (HEIGHT, WIDTH, 6) if positions else (6,)
    tensors = {role: m.floats(*shape) for role in roles.split()}
    m.add("y", "affine", (m.wide(6),), {}, **tensors)


def _gather(m: _Maker) -> None:
    m.add("y", "gather_channels", (m.wide(6),), {"out_channels": 8}, index=np.int32([5, 0, 0, 1, 2, 3, 4, 4]))


def _prelu(m: _Maker) -> None:
    m.add("y", "prelu", (m.wide(6),), {}, slope=m.floats(6))


def _dynamic(m: _Maker) -> tuple[str, bool]:
    attributes = {**_conv(40, 36), "epilogue": "float"}
    m.add("y", "binary_conv2d", (m.signs(40),), attributes, weight=m.packed(36, 240), **m.scale_bias(36))
    m.add("pool", "global_avg_pool", ("y",), {})
    return "f32", True


def _simple(op: str, **attributes: Any) -> Any:
    return lambda m: m.add("y", op, (m.wide(6),), attributes) and None


CASES: dict[str, Any] = {
    "float_conv2d": lambda m: _float_conv(m, stride=[2, 1]),
    "float_conv2d groups": lambda m: _float_conv(m, groups=3, dilation=[2, 1]),
    "float_conv2d half": _half,
    "float_linear": _float_linear,
    "binary_weight_conv2d": _binary_weight_conv,
    "binary_weight_conv2d groups": lambda m: _binary_weight_conv(m, groups=3, stride=[1, 2]),
    "binary_weight_linear": _binary_weight_linear,
    "int8_conv2d float": lambda m: _int8(m, "int8_conv2d", "float"),
    "int8_conv2d bits": lambda m: _int8(m, "int8_conv2d", "bits", stride=[2, 2]),
    "int8_conv2d groups": lambda m: _int8(m, "int8_conv2d", "float", groups=3),
    "int8_linear float": lambda m: _int8(m, "int8_linear", "float"),
    "int8_linear bits": lambda m: _int8(m, "int8_linear", "bits"),
    "quantize_u8": _quantize,
    "binary_conv2d float": lambda m: _binary_conv(m, "float"),
    "binary_conv2d bits": lambda m: _binary_conv(m, "bits", stride=[2, 1], dilation=[1, 2]),
    "binary_conv2d positions": lambda m: _binary_conv(m, "bits", positions=True),
    "binary_conv2d groups": lambda m: _binary_conv(m, "float", groups=4),
    "binary_conv2d depthwise": lambda m: _binary_conv(m, "bits", channels=36, groups=36),
    "binary_linear float": lambda m: _binary_linear(m, "float"),
    "binary_linear bits": lambda m: _binary_linear(m, "bits"),
    "pack positions": _pack_positions,
    "max_pool_bits": _max_pool_bits,
    "max_pool": lambda m: m.add("y", "max_pool", (m.wide(6),), {**_window(), "dilation": [2, 1]}) and None,
    "avg_pool": _avg_pool,
    "avg_pool include": lambda m: _avg_pool(m, count_include_pad=True),
    "avg_pool ceil": lambda m: _avg_pool(m, kernel=[2, 2], stride=[3, 3], padding=[0, 0, 0, 0], ceil_mode=True),
    "global_avg_pool": _simple("global_avg_pool"),
    "add": lambda m: _join(m, "add", "other"),
    "add itself": lambda m: _join(m, "add", "same"),
    "add channels": lambda m: _join(m, "add", "channels"),
    "multiply": lambda m: _join(m, "multiply", "other"),
    "multiply positions": lambda m: _join(m, "multiply", "positions"),
    "concat": lambda m: _concat(m, False),
    "concat bits": lambda m: _concat(m, True),
    "affine": lambda m: _affine(m, "scale bias"),
    "affine scale": lambda m: _affine(m, "scale"),
    "affine bias": lambda m: _affine(m, "bias", positions=True),
    "clip": _simple("clip", min=0, max=None),
    "clip both": _simple("clip", min=-1, max=0.5),
    "prelu": _prelu,
    **{f"activation {function}": _simple("activation", function=function) for function in ACTIVATIONS},
    "pad": _simple("pad", padding=[1, 2, 0, 1], channels=[2, 3]),
    "pad_bits": _pad_bits,
    "pad_bits depthwise": lambda m: _pad_bits(m, channels=36, groups=36),
    "gather_channels": _gather,
    "k_map": _simple("k_map", kernel=[3, 2], stride=[2, 1], padding=[1, 1, 0, 0], dilation=[1, 2]),
    "dynamic": _dynamic,
}
