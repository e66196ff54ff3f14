"""Sums, differences, products and quotients of two values, or of a value and a constant."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from xnorkit.compile.frontend.builder import Builder
from xnorkit.compile.frontend.model_copy import BATCH
from xnorkit.compile.operations import Add, Multiply
from xnorkit.compile.pointwise import Pointwise, Step, affine
from xnorkit.compile.values import Value
from xnorkit.errors import ExportError

__all__ = ["ARITHMETIC", "add_arithmetic"]

ARITHMETIC: Mapping[str, str] = {"add": "+", "sub": "-", "rsub": "r-", "mul": "*", "div": "/", "neg": "neg"}
"""Operators of ATen, and what they compute; `rsub` is y - x."""

OVERLOADS = ("Tensor", "Scalar", "default")


def add_arithmetic(builder: Builder, name: str, op: str, operands: list[Any], options: Mapping[str, Any]) -> Value:
    """Add the value of an operator in `ARITHMETIC`; an operand is a Value, a number or a constant tensor.

    Raises:
        ExportError: a factor such as `alpha`, a quotient of two values, or shapes that do not fit.
    """
    kind, _, overload = op.partition(".")
    sign = ARITHMETIC[kind]
    if overload not in OVERLOADS or options.get("alpha", 1) != 1:
        wrong = "the option 'rounding_mode'" if overload not in OVERLOADS else f"the option alpha={options['alpha']}"
        raise ExportError(f"'{name}' has {wrong}, but it must have no such option. Write the operation out.")
    x, y = (*operands, None)[:2]
    if sign == "r-":
        sign, x, y = "-", y, x
    if isinstance(x, Value) and isinstance(y, Value):
        return _of_values(builder, name, sign, x, y)
    value = x if isinstance(x, Value) else y
    constant = _per_image(y if isinstance(x, Value) else x, len(value.torch_shape) + 1)
    if isinstance(constant, Tensor) and not constant.is_floating_point():
        constant = constant.float()  # as PyTorch does: the negative of an unsigned number has no other form
    operation = _of_constant(sign, constant, isinstance(x, Value))
    if operation is None or not _fits(constant, value):
        raise ExportError(
            f"'{name}' computes {sign} with '{value.name}' {value.torch_shape} and {_shown(constant)}, but this must "
            "be a finite number, or a constant that has one value for the whole batch and broadcasts to that shape."
        )
    return builder.add(name, operation, (value,), value.torch_shape, value.shape)


def _per_image(constant: Any, rank: int) -> Any:
    """Return a constant of `rank` axes without its batch, if it is the same for each image."""
    if isinstance(constant, Tensor) and constant.dim() == rank and len(constant) == BATCH:
        first = constant[:1]
        return first if torch.equal(first.expand_as(constant), constant) else constant
    return constant


def _of_values(builder: Builder, name: str, sign: str, x: Value, y: Value) -> Value:
    if sign == "-":
        y = builder.add(f"{name}.negated", affine(-1.0, None, "negation"), (y,), y.torch_shape, y.shape)
    if sign not in ("+", "-", "*"):
        raise ExportError(f"'{name}' divides by '{y.name}', but the divisor must be constant.")
    full, other = (x, y) if x.shape[0] * x.positions >= y.shape[0] * y.positions else (y, x)
    channels, height, width = full.shape
    fits = other.shape in (full.shape, (channels, 1, 1), (1, height, width))
    if not fits or len(full.torch_shape) != len(other.torch_shape):
        raise ExportError(
            f"'{name}' joins '{x.name}' {x.torch_shape} and '{y.name}' {y.torch_shape}, but the shapes must be equal, "
            "or one of them must have one position or one channel."
        )
    return builder.add(name, Multiply() if sign == "*" else Add(), (full, other), full.torch_shape, full.shape)


def _of_constant(sign: str, constant: Any, value_first: bool) -> Pointwise | None:
    if sign != "neg" and not (isinstance(constant, int | float | Tensor) and _finite(constant, sign)):
        return None
    if sign == "/":
        return _quotient(constant) if value_first else None
    return {
        "neg": lambda: affine(-1.0, None, "negation"),
        "+": lambda: affine(None, constant, "sum with a constant"),
        # c - x = c + (-x), without another rounding
        "-": lambda: affine(None, -constant, "difference") if value_first else affine(-1.0, constant, "difference"),
        "*": lambda: affine(constant, None, "product with a constant"),
    }[sign]()


def _quotient(constant: float | Tensor) -> Pointwise:
    inverse = 1 / torch.as_tensor(constant, dtype=torch.float32)
    step: Step = ("affine", {}, {"scale": inverse})
    return Pointwise(lambda x: x / constant, step, True, [inverse], "division by a constant")


def _finite(constant: Any, sign: str) -> bool:
    """Return whether a constant is finite in float32, and, if it is a divisor, its inverse has all its digits."""
    tensor = torch.as_tensor(constant).to(torch.float32)
    if sign != "/":
        return bool(tensor.isfinite().all())
    inverse = 1 / tensor
    return bool((inverse.isfinite() & (inverse.abs() >= torch.finfo(torch.float32).tiny)).all())


def _fits(constant: Any, value: Value) -> bool:
    if not isinstance(constant, Tensor):
        return True
    shape = (1, *value.torch_shape)
    try:
        return torch.broadcast_shapes(tuple(constant.shape), shape) == torch.Size(shape)
    except RuntimeError:
        return False


def _shown(constant: Any) -> str:
    return repr(constant) if not isinstance(constant, Tensor) else f"a constant of shape {tuple(constant.shape)}"
