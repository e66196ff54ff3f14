"""NumPy arrays as constants of C."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Constants", "filter_words", "floats_of", "window_words"]

PER_LINE = 12
TYPES = {"float32": "float", "int32": "int32_t", "uint32": "uint32_t", "uint8": "uint8_t", "int8": "int8_t"}


class Constants:
    """Collects constant arrays; equal ones are written once."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.bytes = 0
        self._known: dict[tuple[str, bytes], str] = {}

    def add(self, array: NDArray[Any]) -> str:
        """Return the name of a static constant array."""
        flat = np.ascontiguousarray(array).ravel()
        kind = TYPES[str(flat.dtype)]
        key = (kind, flat.tobytes())
        if key not in self._known:
            name = f"c{len(self._known)}"
            self._known[key] = name
            self.bytes += flat.nbytes
            self.text.append(f"static const {kind} {name}[{flat.size}] = {{{_values(flat)}}};")
        return self._known[key]


def floats_of(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return float32 or float16 numbers as float32."""
    return np.asarray(array, np.float32)


def window_words(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return packed rows (O, ceil(K/8)), padded by 0, as words (O, ceil(K/32))."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).view("<u4").astype(np.uint32)


def filter_words(rows: NDArray[np.uint8], taps: tuple[int, int, int]) -> NDArray[np.uint32]:
    """Return packed rows (O, ceil(K/8)), bits in (KH, KW, I) order, as words (O, KH, KW, ceil(I/32)), I padded by 0."""
    height, width, channels = taps
    bits = np.unpackbits(rows, axis=1, count=height * width * channels, bitorder="little")
    per_tap = bits.reshape(len(rows), height, width, channels)
    padded = np.pad(per_tap, ((0, 0), (0, 0), (0, 0), (0, -channels % 32)))
    return np.packbits(padded, axis=3, bitorder="little").view("<u4").astype(np.uint32)


def _values(flat: NDArray[Any]) -> str:
    texts = [_number(v) for v in flat.tolist()] if flat.dtype != np.uint32 else [f"{v:#010x}u" for v in flat.tolist()]
    lines = [", ".join(texts[i : i + PER_LINE]) for i in range(0, len(texts), PER_LINE)]
    return lines[0] if len(lines) == 1 else "\n  " + ",\n  ".join(lines)


def _number(value: float) -> str:
    """Return a literal that reads back exactly; infinities mean signs that never change."""
    if isinstance(value, int):
        return "(-2147483647 - 1)" if value == -(2**31) else str(value)
    if np.isinf(value):
        return "XK_INFINITY" if value > 0 else "-XK_INFINITY"
    return f"{value.hex()}f"
