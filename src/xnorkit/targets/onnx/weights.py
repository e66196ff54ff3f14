"""Filters (O, KH, KW, I) in the layout of ONNX, (O, I, KH, KW); the graph itself unpacks packed rows.

A row of bytes, least significant bit first, becomes bits with a shift and a mask: bit b = (byte >> b) & 1 over a new
axis of 8, flattened and cut to K. A runtime folds this into constants when it loads the file.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from xnorkit.targets.onnx.builder import Builder

__all__ = ["binary_filters", "channels_first"]


def channels_first(filters: NDArray[Any]) -> NDArray[Any]:
    """Return (O, KH, KW, I) as (O, I, KH, KW)."""
    return np.ascontiguousarray(filters.transpose(0, 3, 1, 2))


def binary_filters(b: Builder, rows: NDArray[np.uint8], taps: tuple[int, int, int]) -> str:
    """Return the value of filters (O, I, KH, KW) of +1.0 and -1.0.

    Args:
        b: where to add nodes.
        rows: (O, ceil(K/8)) uint8, bits in (KH, KW, I) order, 1 meaning -1.
        taps: (KH, KW, I).
    """
    k = int(np.prod(taps))
    if not b.packed:
        bits = np.unpackbits(rows, axis=1, count=k, bitorder="little")
        return b.constant(channels_first(np.float32(1) - 2 * bits.astype(np.float32).reshape(-1, *taps)))
    shifts = b.constant(np.arange(8, dtype=np.uint8))
    bytes_ = b.constant(rows[:, :, None])
    shifted = b.op("BitShift", bytes_, shifts, direction="RIGHT")
    bits_ = b.op("BitwiseAnd", shifted, b.scalar(1, np.uint8))
    flat = b.op("Reshape", bits_, b.constant(np.array([len(rows), -1], np.int64)))
    cut = b.op("Slice", flat, *(b.constant(np.array([v], np.int64)) for v in (0, k, 1)))
    minus = b.op("Cast", cut, to=onnx.TensorProto.BOOL)
    filters = b.op("Reshape", b.signs(minus), b.constant(np.array([len(rows), *taps], np.int64)))
    return b.op("Transpose", filters, perm=[0, 3, 1, 2])
