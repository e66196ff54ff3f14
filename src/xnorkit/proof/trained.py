"""The trained model's own numbers: every value of the network, on one batch of images."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils import _pytree as pytree

from xnorkit.compile.frontend.capture import Call, Captured
from xnorkit.compile.frontend.model_copy import BATCH
from xnorkit.compile.frontend.network import VIEWS
from xnorkit.compile.lower import Export
from xnorkit.compile.operations import Layer
from xnorkit.compile.values import Value
from xnorkit.errors import ExportError
from xnorkit.proof.witness import same

__all__ = ["TrainedValues"]


class TrainedValues:
    """What the trained model computes on `images` (N, C, H, W) float32.

    A value that one of the model's calls returns is recorded from the model's own forward pass. The trained modules
    compute values inside a layer (the signs, their integer sums) from recorded ones.

    Raises:
        ExportError: the model takes different steps for these images than for those of the export.
    """

    def __init__(self, export: Export, images: NDArray[np.float32]) -> None:
        self.count = len(images)
        rows = torch.from_numpy(images)
        if self.count < BATCH:  # with one image, `squeeze()` would drop the batch
            rows = rows.expand(BATCH, *rows.shape[1:]).contiguous()
        self.captured = export.capture.run(rows)
        _check_steps(export.captured, self.captured)
        self._computed: dict[Value, Tensor] = {}

    @property
    def images(self) -> Tensor:
        """The images that the model saw: the given ones, repeated to at least `BATCH`."""
        return self.captured.images

    @property
    def output(self) -> Tensor:
        """What the model returned for the images that it saw."""
        return self.captured.tensor(self.captured.result)

    def tensor(self, value: Value) -> Tensor:
        """Return a value (N, ...) in the trained model's layout."""
        if value.original is not None:
            return self.tensor(value.original)
        if value.source is not None:
            return self.captured.tensor(value.source)[: self.count].reshape(-1, *value.torch_shape)
        if value not in self._computed:
            with torch.no_grad():
                inputs = [self.tensor(source) for source in value.inputs]
                self._computed[value] = value.operation.run(*inputs)
        return self._computed[value]

    def image(self, value: Value) -> NDArray[Any]:
        """Return a value as (N, H, W, C): float32, uint8, or signs as int8."""
        dtype = {"f32": torch.float32, "u8": torch.uint8, "bits": torch.int8, "integer": torch.int64}[value.kind]
        return value.image(self.tensor(value)).to(dtype).numpy()

    def sums(self, value: Value) -> NDArray[np.int64] | None:
        """Return the integer sums (N, OH, OW, O) of the layer whose epilogue gives `value`; None without one."""
        while not isinstance(value.operation, Layer):
            if not value.inputs or value.kind == "u8":
                return None
            value = value.inputs[0]
        return self.image(value) if value.kind == "integer" else None


def _check_steps(exported: Captured, now: Captured) -> None:
    """Refuse a different sequence of calls: `Value.source` would name a different tensor."""
    for ours, theirs in zip(exported.calls, now.calls, strict=False):
        if (ours.name, ours.op) != (theirs.name, theirs.op):
            raise ExportError(
                f"the model calls '{theirs.name}' for these images where it called '{ours.name}' before, but its steps "
                "must be the same for all images, however many."
            )
        if _shapes(ours) != _shapes(theirs):
            raise ExportError(
                f"'{ours.name}' gives a value of another shape for these images, apart from its first axis, but the "
                "batch must stay the first axis of every value, and no other size may depend on the images."
            )
        if _numbers(ours) != _numbers(theirs):
            raise ExportError(
                f"'{ours.name}' computes with {_numbers(theirs)} for these images and with {_numbers(ours)} before, "
                "but its numbers must depend neither on the images nor on how many there are."
            )
        if not all(map(_same_constant, _constants(ours), _constants(theirs))):
            raise ExportError(
                f"'{ours.name}' computes with different constants for these images, but constants must depend neither "
                "on the images nor on how many there are, and the forward must keep nothing."
            )
    if len(exported.calls) != len(now.calls) or exported.result != now.result:
        raise ExportError(
            f"the model makes {len(now.calls)} calls for these images and {len(exported.calls)} before, but its steps "
            "must be the same for all images, however many."
        )


def _shapes(call: Call) -> list[tuple[int, ...]]:
    """Return the shapes of a call's results, without the batch."""
    return [tuple(output.shape[1:]) for output in call.outputs]


def _constants(call: Call) -> list[Tensor]:
    """Return the constant tensors that a call computes with."""
    return [leaf for leaf in pytree.tree_leaves(call.arguments) if isinstance(leaf, Tensor)]


def _same_constant(a: Tensor, b: Tensor) -> bool:
    """Return whether two constants are equal, apart from the size of a leading batch."""
    if a.dim() == b.dim() > 0 and a.shape[0] != b.shape[0]:
        a, b = a[:1], b[:1]
    return same(a, b)


def _numbers(call: Call) -> list[float]:
    """Return the numbers that a call computes with; those of a view are sizes and positions."""
    if call.op.partition(".")[0] in VIEWS:
        return []
    return [value for value in call.arguments.values() if isinstance(value, int | float) and not math.isnan(value)]
