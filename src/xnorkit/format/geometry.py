"""Windows that slide over an image: sizes, and taps that read a pixel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xnorkit.errors import FormatError
from xnorkit.format.graph import ValueSpec

__all__ = ["Window", "filter_shape", "output_size", "valid_taps", "window_of"]

PORTION = 65_536
"""Taps that are counted at once."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """The window of a layer or pool. kernel, stride, dilation: (rows, columns); padding: top, left, bottom, right."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    ceil_mode: bool = False


def window_of(attributes: Mapping[str, Any], source: ValueSpec) -> Window:
    """Return the window that a node's attributes describe; a linear layer's kernel is the whole value that it reads."""
    if "kernel" not in attributes:
        return Window((source.height, source.width))
    fields: dict[str, Any] = {key: attributes[key] for key in ("groups", "ceil_mode") if key in attributes}
    for key in ("kernel", "stride", "padding", "dilation"):
        if key in attributes:
            fields[key] = tuple(attributes[key])
    return Window(**fields)


def filter_shape(attributes: Mapping[str, Any], source: ValueSpec) -> tuple[int, int, int]:
    """Return (KH, KW, I) of one filter of a layer: I = C / groups."""
    window = window_of(attributes, source)
    return (*window.kernel, source.channels // window.groups)


def output_size(window: Window, source: ValueSpec) -> tuple[int, int]:
    """Return (OH, OW) = floor((size + padding - reach) / stride) + 1, with reach = dilation * (kernel - 1) + 1.

    With `ceil_mode` the division rounds up, unless the last window would begin after the image, as in PyTorch.

    Raises:
        FormatError: the kernel is larger than the padded image.
    """
    sizes = []
    for axis, size in enumerate((source.height, source.width)):
        padded = size + window.padding[axis] + window.padding[axis + 2]
        reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
        if reach > padded:
            raise FormatError(
                f"attribute 'kernel' reaches over {reach} {('rows', 'columns')[axis]}, "
                f"but it must reach over at most {padded}, the size of the padded image."
            )
        stride = window.stride[axis]
        out = (padded - reach) // stride + 1
        if window.ceil_mode and (padded - reach) % stride:
            out += out * stride < size + window.padding[axis]
        sizes.append(out)
    return sizes[0], sizes[1]


def valid_taps(window: Window, source: ValueSpec) -> int:
    """Return how many (output pixel, kernel tap) pairs read a pixel of the image rather than of the padding."""
    out = output_size(window, source)
    return _along(window, 0, source.height, out[0]) * _along(window, 1, source.width, out[1])


def _along(window: Window, axis: int, size: int, out: int) -> int:
    stride, dilation = window.stride[axis], window.dilation[axis]
    total = 0
    for begin in range(0, window.kernel[axis], PORTION):
        taps = np.arange(begin, min(begin + PORTION, window.kernel[axis]), dtype=np.int64)
        # Output o reads pixel o * stride + offset, which is inside from o = ceil(-offset / stride) on.
        offset = taps * dilation - window.padding[axis]
        first = np.maximum(0, -(offset // stride))
        last = np.minimum(out - 1, (size - 1 - offset) // stride)
        total += int(np.maximum(0, last - first + 1).sum())
    return total
