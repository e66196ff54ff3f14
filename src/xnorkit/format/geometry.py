"""Sizes of windows that slide over an image."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xnorkit.errors import FormatError
from xnorkit.format.graph import ValueSpec

__all__ = ["output_size", "valid_taps"]

PORTION = 65_536
"""Taps that are counted at once."""


def output_size(attributes: Mapping[str, Any], source: ValueSpec) -> tuple[int, int]:
    """Return (OH, OW) = floor((size + padding - reach) / stride) + 1, with reach = dilation * (kernel - 1) + 1.

    With `ceil_mode` the division rounds up, unless the last window would begin behind the image, as in PyTorch.

    Raises:
        FormatError: the kernel is larger than the padded image.
    """
    sizes = []
    for axis, size in enumerate((source.height, source.width)):
        padded = size + attributes["padding"][axis] + attributes["padding"][axis + 2]
        reach = attributes.get("dilation", (1, 1))[axis] * (attributes["kernel"][axis] - 1) + 1
        if reach > padded:
            raise FormatError(
                f"attribute 'kernel' reaches over {reach} {('rows', 'columns')[axis]}; "
                f"required: at most {padded}, the size of the padded image."
            )
        stride = attributes["stride"][axis]
        out = (padded - reach) // stride + 1
        if attributes.get("ceil_mode", False) and (padded - reach) % stride:
            out += out * stride < size + attributes["padding"][axis]
        sizes.append(out)
    return sizes[0], sizes[1]


def valid_taps(attributes: Mapping[str, Any], source: ValueSpec) -> int:
    """Return how many (output pixel, kernel tap) pairs read a pixel of the image and not of the padding."""
    out = output_size(attributes, source)
    return _along(attributes, 0, source.height, out[0]) * _along(attributes, 1, source.width, out[1])


def _along(attributes: Mapping[str, Any], axis: int, size: int, out: int) -> int:
    stride, dilation = attributes["stride"][axis], attributes.get("dilation", (1, 1))[axis]
    total = 0
    for begin in range(0, attributes["kernel"][axis], PORTION):
        taps = np.arange(begin, min(begin + PORTION, attributes["kernel"][axis]), dtype=np.int64)
        # Output o reads pixel o * stride + offset; that is inside from o = ceil(-offset / stride) on.
        offset = taps * dilation - attributes["padding"][axis]
        first = np.maximum(0, -(offset // stride))
        last = np.minimum(out - 1, (size - 1 - offset) // stride)
        total += int(np.maximum(0, last - first + 1).sum())
    return total
