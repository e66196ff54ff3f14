"""Windows that slide over an image, in NumPy: for the interpreter."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

__all__ = ["correlate", "pad_image", "taps"]


def pad_image(x: NDArray[Any], padding: list[int], value: Any) -> NDArray[Any]:
    """Return x (N, H, W, C) with [top, left, bottom, right] pixels of `value`, one number or one per channel."""
    top, left, bottom, right = padding
    if not any(padding):
        return x
    shape = (len(x), x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3])
    padded = np.empty(shape, x.dtype)
    padded[...] = value
    padded[:, top : top + x.shape[1], left : left + x.shape[2]] = x
    return padded


def taps(x: NDArray[Any], attributes: Mapping[str, Any], value: Any) -> Iterator[NDArray[Any]]:
    """Yield, in row-major order of the kernel, the pixels that each tap reads: (N, OH, OW, C)."""
    padded = pad_image(x, attributes["padding"], value)
    (kh, kw), (sh, sw) = attributes["kernel"], attributes["stride"]
    dh, dw = attributes.get("dilation", (1, 1))
    rows = (padded.shape[1] - dh * (kh - 1) - 1) // sh + 1
    columns = (padded.shape[2] - dw * (kw - 1) - 1) // sw + 1
    for i in range(kh):
        for j in range(kw):
            top, left = i * dh, j * dw
            yield padded[:, top : top + (rows - 1) * sh + 1 : sh, left : left + (columns - 1) * sw + 1 : sw]


def correlate(x: NDArray[Any], weight: NDArray[Any], attributes: Mapping[str, Any]) -> NDArray[Any]:
    """Return the sums of x (N, H, W, C) padded with 0 and weight (O, KH, KW, C / groups): (N, OH, OW, O).

    Without a kernel among the attributes, the weight is (O, H, W, C) and covers the image. The dtype of the arguments
    decides how exact the sums are: integers are exact in float64 below 2^53.
    """
    if "kernel" not in attributes:
        return np.tensordot(x, weight, ([1, 2, 3], [1, 2, 3]))[:, None, None, :]
    padded = pad_image(x, attributes["padding"], 0)
    (kh, kw), (sh, sw), (dh, dw) = attributes["kernel"], attributes["stride"], attributes["dilation"]
    reach = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, reach, axis=(1, 2))[:, ::sh, ::sw, :, ::dh, ::dw]  # N, OH, OW, C, KH, KW
    groups, per_group = attributes["groups"], weight.shape[3]
    out = len(weight) // groups
    parts = [
        np.tensordot(
            windows[:, :, :, g * per_group : (g + 1) * per_group],
            weight[g * out : (g + 1) * out],
            ([3, 4, 5], [3, 1, 2]),
        )
        for g in range(groups)
    ]
    return np.concatenate(parts, axis=3)
