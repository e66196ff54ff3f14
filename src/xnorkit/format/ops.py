"""The operations of version 1 as a table: what each reads, its attributes, and the plan of its value and tensors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from xnorkit.errors import FormatError
from xnorkit.format import tensors
from xnorkit.format.geometry import output_size
from xnorkit.format.graph import ValueSpec
from xnorkit.format.rules import Rule, boolean, integer, integers, one_of, shown
from xnorkit.format.tensors import TensorRule

__all__ = ["MAX_K", "OPS", "Op", "Plan", "find_op"]

MAX_K = 2**24
"""Most bits per binary filter: every |dot| <= K is then exact in float32."""


@dataclass(frozen=True)
class Plan:
    """What a node makes and the tensors that it needs."""

    output: ValueSpec
    tensors: Mapping[str, TensorRule]


@dataclass(frozen=True)
class Op:
    """An operation: kind of value it reads, exact attribute keys with their rules, and its plan."""

    reads: Literal["f32", "bits"]
    attributes: Mapping[str, Rule]
    plan: Callable[[Mapping[str, Any], ValueSpec], Plan]


_WINDOW: dict[str, Rule] = {"kernel": integers(2, 1), "stride": integers(2, 1), "padding": integers(4, 0)}
_CONV: dict[str, Rule] = {
    **_WINDOW,
    "dilation": integers(2, 1),
    "groups": integer(1),
    "in_channels": integer(1),
    "out_channels": integer(1),
}
_LINEAR: dict[str, Rule] = {"out_features": integer(1)}
_RELU: dict[str, Rule] = {"relu": boolean}
_EPILOGUE: dict[str, Rule] = {"epilogue": one_of("bits", "float")}


def _conv_shape(attributes: Mapping[str, Any], source: ValueSpec) -> tuple[int, int, int]:
    """Return (OH, OW, O) after checking channels and groups."""
    groups = attributes["groups"]
    if attributes["in_channels"] != source.channels:
        raise FormatError(
            f"attribute 'in_channels': received {attributes['in_channels']}; required: {source.channels}, "
            "the channels of the value it reads."
        )
    for key in ("in_channels", "out_channels"):
        if attributes[key] % groups:
            raise FormatError(
                f"attribute 'groups': received {groups}; required: a divisor of {key} = {attributes[key]}."
            )
    return (*output_size(attributes, source), attributes["out_channels"])


def _conv_taps(attributes: Mapping[str, Any]) -> tuple[int, int, int]:
    return (*attributes["kernel"], attributes["in_channels"] // attributes["groups"])


def _float_conv2d(attributes: Mapping[str, Any], source: ValueSpec) -> Plan:
    shape = _conv_shape(attributes, source)
    weight = (shape[2], *_conv_taps(attributes))
    return Plan(ValueSpec("f32", *shape), {"weight": tensors.floats(weight), "bias": tensors.floats(shape[2:])})


def _float_linear(attributes: Mapping[str, Any], source: ValueSpec) -> Plan:
    out = attributes["out_features"]
    weight = (out, source.height, source.width, source.channels)
    return Plan(ValueSpec("f32", 1, 1, out), {"weight": tensors.floats(weight), "bias": tensors.floats((out,))})


def _pack(_: Mapping[str, Any], source: ValueSpec) -> Plan:
    shapes = ((source.channels,), (source.height, source.width, source.channels))
    output = ValueSpec("bits", source.height, source.width, source.channels)
    return Plan(output, {"threshold": tensors.thresholds_f32(*shapes), "flip": tensors.flags(*shapes)})


def _max_pool_bits(attributes: Mapping[str, Any], source: ValueSpec) -> Plan:
    """With padding < kernel and a window inside the padded image, every window holds at least one pixel."""
    for axis, padding in enumerate(attributes["padding"]):
        if padding >= attributes["kernel"][axis % 2]:
            raise FormatError(
                f"attribute 'padding': received {shown(attributes['padding'])}; required: less than the kernel "
                f"{shown(attributes['kernel'])} on every side, so that no window lies outside the image."
            )
    output = ValueSpec("bits", *output_size(attributes, source), source.channels)
    return Plan(output, {"falling": tensors.flags((source.channels,))})


def _binary(shape: tuple[int, int, int], k: int, kind: Literal["f32", "bits"]) -> Plan:
    if k > MAX_K:
        raise FormatError(f"has {k} bits per filter; required: at most {MAX_K}, so that every dot is exact in float32.")
    out = shape[2:]
    epilogue = {
        "bits": {"threshold": tensors.thresholds_i32(out, shape), "flip": tensors.flags(out, shape)},
        "f32": {"scale": tensors.floats(out), "bias": tensors.floats(out)},
    }
    return Plan(ValueSpec(kind, *shape), {"weight": tensors.packed(shape[2], k), **epilogue[kind]})


def _binary_conv2d(kind: Literal["f32", "bits"]) -> Callable[[Mapping[str, Any], ValueSpec], Plan]:
    def plan(attributes: Mapping[str, Any], source: ValueSpec) -> Plan:
        height, width, channels = _conv_taps(attributes)
        return _binary(_conv_shape(attributes, source), height * width * channels, kind)

    return plan


def _binary_linear(kind: Literal["f32", "bits"]) -> Callable[[Mapping[str, Any], ValueSpec], Plan]:
    return lambda attributes, source: _binary((1, 1, attributes["out_features"]), source.size, kind)


OPS: Mapping[str, Mapping[str | None, Op]] = {
    "float_conv2d": {None: Op("f32", {**_CONV, **_RELU}, _float_conv2d)},
    "float_linear": {None: Op("f32", {**_LINEAR, **_RELU}, _float_linear)},
    "pack": {None: Op("f32", {}, _pack)},
    "max_pool_bits": {None: Op("bits", _WINDOW, _max_pool_bits)},
    "binary_conv2d": {
        "bits": Op("bits", {**_CONV, **_EPILOGUE}, _binary_conv2d("bits")),
        "float": Op("bits", {**_CONV, **_EPILOGUE, **_RELU}, _binary_conv2d("f32")),
    },
    "binary_linear": {
        "bits": Op("bits", {**_LINEAR, **_EPILOGUE}, _binary_linear("bits")),
        "float": Op("bits", {**_LINEAR, **_EPILOGUE, **_RELU}, _binary_linear("f32")),
    },
}
"""op -> epilogue (None where the op has no such attribute) -> what it is."""


def find_op(op: str, attributes: Mapping[str, Any]) -> Op:
    """Return the entry of the table; FormatError if there is none."""
    if op not in OPS:
        raise FormatError(f"'op' is {shown(op)}; required: one of {', '.join(OPS)}.")
    variants = OPS[op]
    if None in variants:
        return variants[None]
    if "epilogue" not in attributes:
        raise FormatError('attributes: \'epilogue\' is missing; required: "bits" or "float".')
    epilogue = attributes["epilogue"]
    if not isinstance(epilogue, str) or epilogue not in variants:
        raise FormatError(f'attribute \'epilogue\': received {shown(epilogue)}; required: "bits" or "float".')
    return variants[epilogue]
