"""Rules for the arrays of a node: dtype, shape, and what the numbers may be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import FormatError
from xnorkit.format.rules import shown

__all__ = ["TensorRule", "check_tensor", "flags", "floats", "packed", "thresholds_f32", "thresholds_i32"]

Shape = tuple[int, ...]
Content = Callable[[NDArray[Any]], str | None]


@dataclass(frozen=True)
class TensorRule:
    """Required dtype, the shapes to choose from, and a check of the numbers that returns what is required, or None."""

    dtype: type[np.generic]
    shapes: tuple[Shape, ...]
    content: Content


def floats(*shapes: Shape) -> TensorRule:
    """Return the rule: float32, finite."""
    return TensorRule(np.float32, shapes, lambda a: None if np.isfinite(a).all() else "finite numbers")


def thresholds_f32(*shapes: Shape) -> TensorRule:
    """Return the rule: float32, infinite allowed (a channel that is always +1 or always -1), NaN not."""
    return TensorRule(np.float32, shapes, lambda a: None if not np.isnan(a).any() else "numbers or infinities, not NaN")


def thresholds_i32(*shapes: Shape) -> TensorRule:
    """Return the rule: int32, any value."""
    return TensorRule(np.int32, shapes, lambda _: None)


def flags(*shapes: Shape) -> TensorRule:
    """Return the rule: uint8, 0 or 1."""
    return TensorRule(np.uint8, shapes, lambda a: None if a.max() <= 1 else "0 or 1")


def packed(filters: int, bits: int) -> TensorRule:
    """Return the rule: `filters` rows of `bits` bits, least significant first, padded with zeros to whole bytes."""
    unused = 0xFF & (0xFF << (bits % 8 or 8))

    def content(rows: NDArray[Any]) -> str | None:
        return f"zeros in the last {8 - bits % 8} bits of every row" if (rows[:, -1] & unused).any() else None

    return TensorRule(np.uint8, ((filters, -(-bits // 8)),), content)


def check_tensor(role: str, array: NDArray[Any], rule: TensorRule) -> None:
    """Check one array of a node; FormatError says what was received and required."""
    if not isinstance(array, np.ndarray) or array.dtype != rule.dtype:
        received = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise FormatError(f"tensor '{role}' has dtype {received}; required: {np.dtype(rule.dtype)}.")
    if array.shape not in rule.shapes:
        required = " or ".join(str(shape) for shape in rule.shapes)
        raise FormatError(f"tensor '{role}' has shape {shown(array.shape)}; required: {required}.")
    required_content = rule.content(array)
    if required_content is not None:
        raise FormatError(f"tensor '{role}' holds other numbers than allowed; required: {required_content}.")
