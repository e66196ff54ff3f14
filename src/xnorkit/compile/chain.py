"""The chain between a value and the bits that a binary layer reads, as a function of only that value's numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xnorkit.compile.frontend.model_copy import first_line
from xnorkit.compile.operations import Flatten, Layer, MaxPool
from xnorkit.compile.pointwise import NORM, Pointwise, Sign
from xnorkit.compile.tails import tail_at
from xnorkit.compile.thresholds import (
    FLOAT_REACH,
    Thresholds,
    bisected_thresholds,
    direction,
    float_thresholds,
    integer_thresholds,
)
from xnorkit.compile.users import is_users
from xnorkit.compile.values import Operation, Value
from xnorkit.errors import ExportError

__all__ = ["Bits", "Chain", "MaxPoolBits"]

NORM_NAMES = tuple(kind.__name__ for kind in NORM)

FEW = 1 << 18
"""Up to this many evaluations every integer is tried; beyond it, a chain of monotone operations is bisected."""


@dataclass(frozen=True)
class Chain:
    """`steps` from `start` (exclusive) to a sign (inclusive): pointwise operations, flattening, max-pools.

    Evaluations skip max-pools, because they commute with monotone functions.
    """

    start: Value
    steps: tuple[Value, ...]

    @property
    def wide(self) -> bool:
        """True if a step treats every position separately, such as a batch norm after a flatten."""
        return any(
            getattr(step.operation, "by_position", False)
            or any(_spreads(p, step, self.start.shape[0]) for p in getattr(step.operation, "parameters", ()))
            for step in self.steps
        )

    @property
    def pools(self) -> list[int]:
        """Positions of the max-pools in `steps`."""
        return [i for i, step in enumerate(self.steps) if isinstance(step.operation, MaxPool)]

    def turning(self) -> int | None:
        """Return the position in `steps` of the last operation that may turn around, or None if all are monotone."""
        turns = [i for i, s in enumerate(self.steps) if isinstance(s.operation, Pointwise) and not s.operation.monotone]
        return turns[-1] if turns else None

    def thresholds(self) -> Thresholds:
        """Return the thresholds that reproduce the signs of the whole chain.

        Raises:
            ExportError: the sign changes more than once, or the chain may turn around where this cannot be counted; or
                a user's binarizer gives no sign at the threshold.
        """
        found, sign = self._thresholds(), self.steps[-1].operation
        if isinstance(sign, Sign) and is_users(sign.process):
            at = torch.from_numpy(found.threshold.astype(np.float32))[None]
            made = self.evaluate(torch.where(at.isfinite(), at, 0))
            if bool((made.abs() != 1).any()):
                raise ExportError(
                    f"the activation binarizer {type(sign.process).__name__} makes {float(made[made.abs() != 1][0]):g} "
                    "where its sign changes, but its values must be bits. Return xnorkit.functional.sign_like(x, "
                    "surrogate)."
                )
        return found

    def _thresholds(self) -> Thresholds:
        operation, turning = self.start.operation, self.turning()
        if isinstance(operation, Layer) and operation.form == "binary":
            few = 2 * operation.reach * self.start.shape[0] * (self.start.positions if self.wide else 1) < FEW
            if few or turning is not None:
                return integer_thresholds(self.evaluate, operation.reach, self.start.name)
            return bisected_thresholds(self.evaluate, operation.reach, self.start.name)
        if turning is not None:
            raise ExportError(f"'{self.steps[turning].name}' is not monotone in float32, but it must be.")
        if isinstance(operation, Layer) and operation.form == "int8":
            return bisected_thresholds(self.evaluate, operation.reach, self.start.name, torch.float64)
        found = float_thresholds(self.evaluate, self.start.name)
        turned = tail_at(self.start, found.threshold)
        if turned is not None:
            raise ExportError(
                f"the sign turns where '{turned.name}' ({turned.operation.describe()}) becomes flat, and PyTorch "
                "rounds its numbers there, but it must turn elsewhere. Put a batch norm or another shift between them, "
                "or a ReLU in its place."
            )
        return found

    def falling(self, pool: int, thresholds: Thresholds) -> NDArray[np.uint8]:
        """Return 1 per channel where the pool `steps[pool]`, moved after the sign, is an OR of bits, and 0 for an AND.

        Let h be the chain before the pool and g the one after it, f = g(h(x)). For a rising g, sign(g(max h)) over a
        window is the maximum of the signs (+1 if any is: AND, because bit 1 means -1). For a falling g it is their
        minimum (OR). g falls where exactly one of f and h does.
        """
        operation = self.start.operation

        def head(values: Tensor) -> Tensor:
            return self.evaluate(values, pool)

        if isinstance(operation, Layer) and operation.form == "binary" and self.turning() is not None:
            rising = direction(head, operation.reach, self.start.name)
        else:
            reach = (
                float(operation.reach) if isinstance(operation, Layer) and operation.kind == "integer" else FLOAT_REACH
            )
            low, high = head(torch.tensor([[-reach], [reach]]))
            rising = np.where((high >= low).numpy(), 1, -1).astype(np.int8)
        return thresholds.flip ^ (rising < 0).astype(np.uint8)

    def evaluate(self, values: Tensor, stop: int | None = None) -> Tensor:
        """Return the result of the trained steps, up to `stop`, for numbers that `start` can take.

        values: (V, 1), (V, C) or (V, C, H, W). Returns (V, C), or (V, C, H, W) where positions differ.
        """
        start, wide = self.start, self.wide
        dims = len(start.torch_shape) - 1
        if wide:
            values = values if values.dim() == 4 else values[:, :, None, None]
            value = values.expand(-1, *start.shape).reshape(-1, *start.torch_shape)
        else:
            value = values.expand(-1, start.shape[0]).reshape(-1, start.shape[0], *(1,) * dims)
        value = value.clone()  # a trained step may work in place, and the expanded numbers share memory
        for step in self.steps[:stop]:
            if isinstance(step.operation, Flatten):
                shape = (start.shape[0], *(1,) * (len(step.torch_shape) - 1))
                value = step.operation.run(value) if wide else value.reshape(-1, *shape)
            elif not isinstance(step.operation, MaxPool):
                value = _applied(step, value)
        return value.reshape(-1, *start.shape) if wide else value.reshape(-1, start.shape[0])

    def signs(self, x: Tensor) -> Tensor:
        """Return the signs (N, C, H, W) of the start's own tensor (N, ...), without pools."""
        image = x.reshape(-1, *self.start.shape)
        if self.wide:
            return self.evaluate(image)
        rows = image.permute(0, 2, 3, 1).reshape(-1, self.start.shape[0])
        signs = self.evaluate(rows).reshape(-1, *self.start.shape[1:], self.start.shape[0])
        return signs.permute(0, 3, 1, 2)


def _applied(step: Value, value: Tensor) -> Tensor:
    """Return what a step makes of numbers, one for each channel; a user's binarizer may expect more."""
    try:
        made = step.operation.run(value)
    except (RuntimeError, IndexError) as error:
        raise ExportError(
            f"'{step.name}' does not work on each number alone, but it must: {first_line(error)}."
        ) from error
    if made.shape != value.shape:
        raise ExportError(f"'{step.name}' does not work on each number alone, but it must.")
    return made


def _spreads(parameter: Tensor, step: Value, channels: int) -> bool:
    """Return whether a parameter, which may be that of a user's own module, spreads over the positions of a step."""
    if parameter.numel() == 1 or parameter.numel() > channels:
        return parameter.numel() > 1
    missing = 1 + len(step.torch_shape) - parameter.dim()
    shape = (1,) * missing + tuple(parameter.shape)
    fits = missing >= 0 and all(size in (1, whole) for size, whole in zip(shape[1:], step.torch_shape, strict=True))
    return fits and any(size > 1 for size in shape[2:])


@dataclass
class Bits(Operation):
    """Signs of a chain by thresholds on its start."""

    kind = "bits"
    chain: Chain
    thresholds: Thresholds
    torch_shape: tuple[int, ...]

    @property
    def dead(self) -> bool:
        """Whether a ReLU or the like makes every sign the same, without a batch norm after it to separate them."""
        operation, threshold = self.chain.start.operation, self.thresholds.threshold
        reach = operation.reach if isinstance(operation, Layer) and operation.kind == "integer" else np.inf
        for step in reversed(self.chain.steps[:-1]):
            if isinstance(step.operation, Pointwise):
                if step.operation.text.endswith(NORM_NAMES):
                    return False
                if step.operation.step is not None and step.operation.step[0] == "clip":
                    return bool(((threshold <= -reach) | (threshold > reach) | (threshold == np.inf)).all())
        return False

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the signs of the trained chain itself, without pools; the thresholds are not used."""
        return self.chain.signs(inputs[0]).reshape(-1, *self.torch_shape)


@dataclass
class MaxPoolBits(Operation):
    """A max-pool moved after a sign: AND of bits, or OR where `falling`."""

    kind = "bits"
    pool: MaxPool
    falling: NDArray[np.uint8]
    torch_shape: tuple[int, ...]

    @property
    def attributes(self) -> dict[str, Any]:
        """The graph's window."""
        return {key: self.pool.attributes[key] for key in ("kernel", "stride", "padding")}

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        turn = 1 - 2 * torch.from_numpy(self.falling.astype(np.float32))
        x = inputs[0]
        turn = turn.reshape(-1, *(1,) * (x.dim() - 2))
        return (self.pool.run(x * turn) * turn).reshape(-1, *self.torch_shape)
