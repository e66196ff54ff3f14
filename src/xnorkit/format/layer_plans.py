"""Plans of the operations with weights: float, 1-bit weights, 8-bit, and binary."""

from collections.abc import Mapping, Sequence
from math import prod

from xnorkit.errors import FormatError
from xnorkit.format import tensors
from xnorkit.format.geometry import filter_shape, output_size, window_of
from xnorkit.format.graph import ValueSpec
from xnorkit.format.tensors import Attributes, Plan, TensorRule

__all__ = ["MAX_K", "MAX_K_INT8", "binary", "binary_weight", "float_layer", "int8"]

MAX_K = 2**24
"""Most weights per filter: every |dot| <= K of a binary one is then exact in float32."""
MAX_K_INT8 = 33_000
"""Most weights per 8-bit filter: with |bias| <= 2^30 every sum fits into int32 (docs/integer-layers.md)."""
MAX_ARRANGED = 2**31 - 1
"""Most elements of a layer's weights as an engine arranges them, and of its padded image: offsets are int32."""

Shape = tuple[int, int, int]
Sizes = tuple[Shape, tuple[int, ...]]  # (OH, OW, O), and the shape of one filter in (KH, KW, I) order


def float_layer(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan a float convolution or linear layer."""
    shape, taps = _sizes(attributes, sources[0])
    _check_float_weights(attributes, shape, taps)
    out = shape[2:]
    return Plan(ValueSpec("f32", *shape), {"weight": tensors.floats((*out, *taps)), "bias": tensors.floats(out)})


def binary_weight(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan a layer with 1-bit weights that reads float32."""
    shape, taps = _sizes(attributes, sources[0])
    _check_float_weights(attributes, shape, taps)
    rules = {"weight": _packed(shape, taps), **_scale_and_bias(shape)}
    return Plan(ValueSpec("f32", *shape), rules)


def binary(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan a binary layer with an epilogue to bits or float32."""
    shape, taps = _sizes(attributes, sources[0])
    _check_arranged(shape[2] + 31, taps[0] * taps[1], sources[0].words)
    rules = {"weight": _packed(shape, taps)}
    if attributes["epilogue"] == "bits":
        return Plan(ValueSpec("bits", *shape), {**rules, **_thresholds(shape)})
    return Plan(ValueSpec("f32", *shape), {**rules, **_scale_and_bias(shape)})


def int8(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan an 8-bit layer with an epilogue to bits or float32."""
    shape, taps = _sizes(attributes, sources[0])
    if prod(taps) > MAX_K_INT8:
        raise FormatError(
            f"a filter has {prod(taps)} weights, but it must have at most {MAX_K_INT8}, so that every sum fits in "
            "int32."
        )
    _check_arranged(shape[2] + 31, taps[0] * taps[1], min(sources[0].channels, 64 * taps[2]))
    _check_padded(attributes, sources[0])
    out = shape[2:]
    rules = {
        "weight": tensors.integers_i8((*out, *taps)),
        "zero_point": tensors.integers_u8((sources[0].channels,)),
        "bias": tensors.bias_i32(out),
    }
    if attributes["epilogue"] == "bits":
        return Plan(ValueSpec("bits", *shape), {**rules, **_thresholds(shape)})
    return Plan(ValueSpec("f32", *shape), {**rules, "scale": tensors.floats(out)})


def _sizes(attributes: Attributes, source: ValueSpec) -> Sizes:
    """Return the output's shape and that of a filter, after checking channels and groups."""
    if "out_features" in attributes:
        return (1, 1, attributes["out_features"]), filter_shape(attributes, source)
    groups = attributes["groups"]
    if attributes["in_channels"] != source.channels:
        raise FormatError(
            f"attribute 'in_channels' is {attributes['in_channels']}, but it must be {source.channels}, "
            "the channels of the value that it reads."
        )
    for key in ("in_channels", "out_channels"):
        if attributes[key] % groups:
            raise FormatError(f"attribute 'groups' is {groups}, but it must be a divisor of {key} = {attributes[key]}.")
    shape = (*output_size(window_of(attributes, source), source), attributes["out_channels"])
    return shape, filter_shape(attributes, source)


def _check_float_weights(attributes: Attributes, shape: Shape, taps: tuple[int, ...]) -> None:
    if prod(taps) > MAX_K:
        raise FormatError(f"a filter has {prod(taps)} weights, but it must have at most {MAX_K}.")
    _check_arranged(shape[2] + 15 * attributes.get("groups", 1), taps[0] * taps[1], taps[2])


def _check_arranged(lanes: int, taps: int, per_tap: int) -> None:
    """Check the size of a layer's weights in lanes of output channels, padded to whole blocks."""
    if lanes * taps * per_tap > MAX_ARRANGED:
        raise FormatError(
            f"the weights take {lanes} lanes x {taps} taps x {per_tap}, but they must take at most {MAX_ARRANGED}, for "
            "offsets of 32 bits."
        )


def _check_padded(attributes: Attributes, source: ValueSpec) -> None:
    """Check an 8-bit image with its padding, which an engine keeps in up to 16 bits."""
    top, left, bottom, right = attributes.get("padding", (0, 0, 0, 0))
    height, width = source.height + top + bottom, source.width + left + right
    if 2 * height * width * source.channels > MAX_ARRANGED:
        raise FormatError(
            f"the image has {height} x {width} pixels with its padding, of {source.channels} channels, but it must "
            f"hold at most {MAX_ARRANGED // 2} numbers, for offsets of 32 bits."
        )


def _packed(shape: Shape, taps: tuple[int, ...]) -> TensorRule:
    k = prod(taps)
    if k > MAX_K:
        raise FormatError(
            f"a filter has {k} bits, but it must have at most {MAX_K}, so that every dot is exact in float32."
        )
    return tensors.packed(shape[2], k)


def _thresholds(shape: Shape) -> Mapping[str, TensorRule]:
    return {"threshold": tensors.integers_i32(shape[2:], shape), "flip": tensors.flags(shape[2:], shape)}


def _scale_and_bias(shape: Shape) -> Mapping[str, TensorRule]:
    return {"scale": tensors.floats(shape[2:]), "bias": tensors.floats(shape[2:])}
