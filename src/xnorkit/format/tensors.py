"""Rules for the arrays of a node: dtype, shape, and allowed numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import FormatError
from xnorkit.format.graph import ValueSpec
from xnorkit.format.rules import shown

__all__ = [
    "Attributes",
    "Plan",
    "TensorRule",
    "bias_i32",
    "check_tensor",
    "flags",
    "floats",
    "indices",
    "integers_i8",
    "integers_i32",
    "integers_u8",
    "optional",
    "packed",
    "thresholds_f32",
]

Shape = tuple[int, ...]
Content = Callable[[NDArray[Any]], str | None]
Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class TensorRule:
    """The allowed dtypes and shapes, and a check of the numbers that returns what they must be, or None."""

    dtypes: tuple[type[np.generic], ...]
    shapes: tuple[Shape, ...]
    content: Content
    optional: bool = False


@dataclass(frozen=True)
class Plan:
    """The value that a node makes, and the tensors that it needs."""

    output: ValueSpec
    tensors: Mapping[str, TensorRule]


def optional(rule: TensorRule) -> TensorRule:
    """Return the rule of a tensor that may be left out."""
    return replace(rule, optional=True)


def floats(*shapes: Shape) -> TensorRule:
    """Return the rule: finite float32, or float16 for half the space."""
    return TensorRule((np.float32, np.float16), shapes, lambda a: None if np.isfinite(a).all() else "finite numbers")


def thresholds_f32(*shapes: Shape) -> TensorRule:
    """Return the rule: float32; infinity is allowed (a channel that is always +1 or always -1), NaN is not."""
    return TensorRule(
        (np.float32,), shapes, lambda a: None if not np.isnan(a).any() else "numbers or infinities, not NaN"
    )


def integers_i32(*shapes: Shape) -> TensorRule:
    """Return the rule: int32, any value."""
    return TensorRule((np.int32,), shapes, lambda _: None)


def bias_i32(*shapes: Shape) -> TensorRule:
    """Return the rule: int32 from -2^30 to 2^30, which leaves room for the sum in int32."""
    limit = 1 << 30
    return TensorRule(
        (np.int32,), shapes, lambda a: None if ((a >= -limit) & (a <= limit)).all() else "numbers from -2^30 to 2^30"
    )


def integers_u8(*shapes: Shape) -> TensorRule:
    """Return the rule: uint8, any value."""
    return TensorRule((np.uint8,), shapes, lambda _: None)


def integers_i8(*shapes: Shape) -> TensorRule:
    """Return the rule: int8 from -127 to 127, so that the negative of each exists."""
    return TensorRule((np.int8,), shapes, lambda a: None if (a != -128).all() else "numbers from -127 to 127")


def indices(count: int, size: int) -> TensorRule:
    """Return the rule: `count` int32 indices of something of `size`."""

    def content(array: NDArray[Any]) -> str | None:
        return None if ((array >= 0) & (array < size)).all() else f"numbers from 0 to {size - 1}"

    return TensorRule((np.int32,), ((count,),), content)


def flags(*shapes: Shape) -> TensorRule:
    """Return the rule: uint8, 0 or 1."""
    return TensorRule((np.uint8,), shapes, lambda a: None if a.max() <= 1 else "nothing but 0 and 1")


def packed(filters: int, bits: int) -> TensorRule:
    """Return the rule: `filters` rows of `bits` bits, least significant first, padded with zeros to whole bytes."""
    unused = 0xFF & (0xFF << (bits % 8 or 8))

    def content(rows: NDArray[Any]) -> str | None:
        return f"zeros in the last {8 - bits % 8} bits of every row" if (rows[:, -1] & unused).any() else None

    return TensorRule((np.uint8,), ((filters, -(-bits // 8)),), content)


def check_tensor(role: str, array: NDArray[Any], rule: TensorRule) -> None:
    """Check one array of a node; FormatError says what was received, and what it must be."""
    if not isinstance(array, np.ndarray) or array.dtype not in rule.dtypes:
        received = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        expected = " or ".join(str(np.dtype(dtype)) for dtype in rule.dtypes)
        raise FormatError(f"tensor '{role}' has dtype {received}, but it must be {expected}.")
    if array.shape not in rule.shapes:
        expected = " or ".join(str(shape) for shape in rule.shapes)
        raise FormatError(f"tensor '{role}' has shape {shown(array.shape)}, but it must be {expected}.")
    content = rule.content(array)
    if content is not None:
        raise FormatError(f"tensor '{role}' holds numbers that are not allowed, but it must hold {content}.")
