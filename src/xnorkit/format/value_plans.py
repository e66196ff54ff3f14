"""Plans of the operations without weights: signs, pools, joins, activations, channels."""

from collections.abc import Sequence
from dataclasses import replace

from xnorkit.errors import FormatError
from xnorkit.format import tensors
from xnorkit.format.geometry import output_size, window_of
from xnorkit.format.graph import ValueSpec
from xnorkit.format.rules import shown
from xnorkit.format.tensors import Attributes, Plan

__all__ = [
    "affine",
    "avg_pool",
    "broadcast",
    "clip",
    "concat",
    "gather_channels",
    "global_pool",
    "k_map",
    "max_pool",
    "max_pool_bits",
    "pack",
    "pad",
    "pad_bits",
    "prelu",
    "quantize",
    "same",
]


def same(_: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan an operation on each number separately."""
    return Plan(sources[0], {})


def clip(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan bounds, where the lower one is not above the upper one."""
    low, high = attributes["min"], attributes["max"]
    if low is not None and high is not None and low > high:
        raise FormatError(f"attribute 'min' is {low}, but it must be at most 'max', {high}.")
    return Plan(sources[0], {})


def pack(_: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan the signs of a float32 value."""
    shapes = _channel_shapes(sources[0])
    rules = {"threshold": tensors.thresholds_f32(*shapes), "flip": tensors.flags(*shapes)}
    return Plan(replace(sources[0], kind="bits"), rules)


def quantize(_: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan the 8-bit integers of a float32 value."""
    return Plan(replace(sources[0], kind="u8"), {})


def affine(_: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan scale and bias, one of which may be absent."""
    rule = tensors.optional(tensors.floats(*_channel_shapes(sources[0])))
    return Plan(sources[0], {"scale": rule, "bias": rule})


def prelu(_: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan a slope per channel for negative numbers."""
    return Plan(sources[0], {"slope": tensors.floats((sources[0].channels,))})


def max_pool_bits(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan AND or OR over windows."""
    return Plan(_window(attributes, sources[0]), {"falling": tensors.flags((sources[0].channels,))})


def max_pool(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan the largest number of each window.

    A window whose first tap lies before the image has a tap among the first `dilation` pixels, which must exist.
    """
    for size, dilation in zip((sources[0].height, sources[0].width), attributes["dilation"], strict=True):
        if dilation > size:
            raise FormatError(
                f"attribute 'dilation' is {shown(attributes['dilation'])}, but it must be at most the size of the "
                f"image, {sources[0].height} x {sources[0].width}, so that every window holds a pixel."
            )
    return Plan(_window(attributes, sources[0]), {})


def avg_pool(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan the mean of each window; with ceil_mode the last window may reach beyond the padding."""
    return Plan(_window(attributes, sources[0]), {})


def global_pool(_: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan the mean over all positions."""
    return Plan(ValueSpec("f32", 1, 1, sources[0].channels), {})


def k_map(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan the mean of absolute values over channels and window; a window may lie in the padding."""
    return Plan(ValueSpec("f32", *output_size(window_of(attributes, sources[0]), sources[0]), 1), {})


def broadcast(_: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan the sum or product of two values, the second of full shape, one per channel, or one per position."""
    first, second = sources
    height, width, channels = first.height, first.width, first.channels
    choices = [(height, width, channels), (1, 1, channels), (height, width, 1)]
    received = (second.height, second.width, second.channels)
    if received not in choices:
        raise FormatError(
            f"the second value is (H, W, C) = {received}, but it must be "
            f"{' or '.join(map(str, dict.fromkeys(choices)))}, to fit the first."
        )
    return Plan(first, {})


def concat(_: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan the concatenation of values along the channels."""
    first = sources[0]
    for other in sources[1:]:
        if (other.kind, other.height, other.width) != (first.kind, first.height, first.width):
            raise FormatError(
                f"it reads {other.kind} of {other.height} x {other.width} next to {first.kind} of {first.height} x "
                f"{first.width}, but its values must have one kind, height and width."
            )
    return Plan(replace(first, channels=sum(source.channels for source in sources)), {})


def gather_channels(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan channels in another order, left out or repeated."""
    count = attributes["out_channels"]
    return Plan(replace(sources[0], channels=count), {"index": tensors.indices(count, sources[0].channels)})


def pad(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan zeros around the image and around the channels."""
    source = sources[0]
    top, left, bottom, right = attributes["padding"]
    height, width = source.height + top + bottom, source.width + left + right
    return Plan(ValueSpec("f32", height, width, source.channels + sum(attributes["channels"])), {})


def pad_bits(attributes: Attributes, sources: Sequence[ValueSpec]) -> Plan:
    """Plan signs -1 around the image."""
    source = sources[0]
    top, left, bottom, right = attributes["padding"]
    return Plan(replace(source, height=source.height + top + bottom, width=source.width + left + right), {})


def _channel_shapes(source: ValueSpec) -> tuple[tuple[int, ...], ...]:
    return ((source.channels,), (source.height, source.width, source.channels))


def _window(attributes: Attributes, source: ValueSpec) -> ValueSpec:
    """Return the value of a pool: with padding < kernel, every window holds at least one pixel."""
    for axis, padding in enumerate(attributes["padding"]):
        if padding >= attributes["kernel"][axis % 2]:
            raise FormatError(
                f"attribute 'padding' is {shown(attributes['padding'])}, but it must be less than the kernel "
                f"{shown(attributes['kernel'])} on every side, so that no window lies outside the image."
            )
    height, width = output_size(window_of(attributes, source), source)
    return replace(source, height=height, width=width)
