"""Views: reshape, flatten, slice, chunk, permute and the like, followed through their effect on a value's indices.

A view only moves numbers, so it runs on the numbers' positions: an index tensor that starts as 0, 1, 2, ... in
(N, C, H, W) order. The effect of the whole chain of views is determined only when something else reads the result; most
chains (channel shuffles, splits, `x.view(len(x), -1)`) are then a choice of channels, or nothing.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from xnorkit.compile.frontend.capture import Ref
from xnorkit.compile.frontend.model_copy import BATCH
from xnorkit.compile.operations import Crop, Flatten, Gather
from xnorkit.compile.values import Operation, Value
from xnorkit.errors import ExportError

__all__ = ["View", "as_shape", "whole_view"]


@dataclass
class View:
    """Numbers of `base`, selected by `index` (BATCH, ...) float64; the call `name` returned them, as `source`."""

    base: Value
    index: Tensor
    name: str
    source: Ref | None = None

    @property
    def whole(self) -> bool:
        """Whether it consists of all numbers of the base in order, in any shape."""
        return torch.equal(self.index.flatten(), whole_view(self.base).index.flatten())

    def collapsed(self) -> "View":
        """Return the view without positions that only repeat another, such as those that expand_as adds."""
        if self.index.dim() not in (3, 4):
            return self
        first = self.index[:, :, :1, :1] if self.index.dim() == 4 else self.index[:, :, :1]
        if first.shape == self.index.shape or not bool((self.index == first).all()):
            return self
        return View(self.base, first, self.name)

    def order(self) -> Tensor | None:
        """Return the place in the base, in (C, H, W) order, of each number of a vector; None if it is not all of them.

        A linear layer can read such a vector, as after `x.permute(0, 2, 3, 1).flatten(1)`: its columns are reordered.
        """
        numbers = self.base.shape[0] * self.base.positions
        index = self.index[0].to(torch.int64)
        whole = self.index.shape == (BATCH, numbers) and bool((self.index[1:] - self.index[:-1] == numbers).all())
        return index if whole and torch.equal(index.sort().values, torch.arange(numbers)) else None

    def resolve(self) -> list[tuple[Operation, tuple[int, int, int], tuple[int, ...]]]:
        """Return the operations that make the view from its base, in order, each with shape and torch shape.

        Raises:
            ExportError: no operation of the format moves the numbers in this way.
        """
        base, shape = self.base, tuple(self.index.shape[1:])
        index = self.index[0].to(torch.int64)
        numbers = base.shape[0] * base.positions
        whole = len(self.index) == BATCH and bool((self.index[1] - self.index[0] == numbers).all())
        if not whole or not 1 <= len(shape) <= 3:
            raise self._refusal()
        channels = None
        if index.numel() and index.numel() % base.positions == 0:
            channels = _channels(index.reshape(-1, base.positions), base.positions)
        if channels is None or (len(shape) > 1 and shape[0] != len(channels)):
            return self._cropped(index, shape)
        picture = (len(channels), *base.shape[1:])
        if len(shape) > 1 and as_shape(shape) != picture:
            raise self._refusal()
        found: list[tuple[Operation, tuple[int, int, int], tuple[int, ...]]] = []
        if not torch.equal(channels, torch.arange(base.shape[0])):
            flat = len(base.torch_shape) == 1 and base.positions > 1
            if flat:
                found.append((Flatten(base.shape), base.shape, base.shape))
            between = picture if flat else (len(channels), *base.torch_shape[1:])
            found.append((Gather(channels), picture, between))
        if (found[-1][2] if found else base.torch_shape) != shape:
            found.append((Flatten(shape), picture, shape))
        return found

    def _cropped(
        self, index: Tensor, shape: tuple[int, ...]
    ) -> list[tuple[Operation, tuple[int, int, int], tuple[int, ...]]]:
        """Return the crop of whole channels, rows and columns at equal steps, such as x[:, ::2, 1:-1, -1]."""
        base = self.base
        count, width = shape[0] if len(shape) > 1 else base.shape[0], base.shape[2]
        if index.numel() == 0 or index.numel() % count or len(base.torch_shape) == 1:
            raise self._refusal()
        rows = index.reshape(count, -1)
        channels, rows = rows[:, 0] // base.positions, rows - (rows[:, :1] // base.positions) * base.positions
        if not bool((rows == rows[:1]).all()) or not bool(((rows >= 0) & (rows < base.positions)).all()):
            raise self._refusal()
        sides = [_steps(torch.unique(part)) for part in (rows[0] // width, rows[0] % width)]
        if any(side is None for side in sides):
            raise self._refusal()
        down, across = (side for side in sides if side is not None)
        every = torch.arange(base.positions).reshape(base.shape[1:])
        picture = (count, len(down), len(across))
        if not torch.equal(every[list(down)][:, list(across)].flatten(), rows[0]):
            raise self._refusal()
        if len(shape) > 1 and as_shape(shape) != picture:
            raise self._refusal()
        found: list[Any] = []
        if not torch.equal(channels, torch.arange(base.shape[0])):
            whole = (count, *base.torch_shape[1:])
            found.append((Gather(channels), as_shape(whole), whole))
        between = picture if len(base.torch_shape) == 3 else (count, len(across))
        found.append((Crop(down, across), picture, between))
        return found if between == shape else [*found, (Flatten(shape), picture, shape)]

    def _refusal(self) -> ExportError:
        return ExportError(
            f"'{self.name}' arranges the numbers of '{self.base.name}' {self.base.torch_shape} as "
            f"{tuple(self.index.shape[1:])} in a way that no operation of the format gives, but it must give one image "
            "(C, H, W) or one vector in (C, H, W) order per image, or slices or shuffles of whole channels."
        )


def whole_view(value: Value) -> View:
    """Return the view of all numbers of `value`, unchanged."""
    numbers = BATCH * value.shape[0] * value.positions
    index = torch.arange(numbers, dtype=torch.float64).reshape(BATCH, *value.torch_shape)
    return View(value, index, value.name, value.source)


def as_shape(torch_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (C, H, W) of a tensor's shape without the batch: (C, L) is an image of height 1, (F,) of one pixel."""
    sizes: Any = {1: lambda c: (c, 1, 1), 2: lambda c, w: (c, 1, w), 3: lambda c, h, w: (c, h, w)}
    return sizes[len(torch_shape)](*torch_shape)


def _steps(positions: Tensor) -> range | None:
    """Return rising positions as a range, or None if their distances differ."""
    first, last = int(positions[0]), int(positions[-1])
    step = int(positions[1]) - first if len(positions) > 1 else 1
    found = range(first, last + 1, step)
    return found if list(found) == positions.tolist() else None


def _channels(index: Tensor, positions: int) -> Tensor | None:
    """Return the channel of each row (C', positions), or None if a row is not one whole channel in order."""
    if not bool((index % positions == torch.arange(positions)).all()):
        return None
    channel = index // positions
    return channel[:, 0] if bool((channel == channel[:, :1]).all()) else None
