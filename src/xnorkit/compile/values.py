"""The exporter's view of a network: values that read values, each with its shape and the operation that makes it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from xnorkit.compile.frontend.capture import Ref

__all__ = ["Network", "Operation", "Value"]


class Operation:
    """Makes a value. `run` does in PyTorch what the trained model does there."""

    kind = "f32"
    """Kind of the value: "f32", "integer" (a layer's exact sums), "bits" (+1 and -1) or "u8"."""

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value (N, ...) in the trained model's layout, from the values that it reads."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return the operation in a word or two, for messages."""
        return type(self).__name__


@dataclass(eq=False)
class Value:
    """One value for one image.

    Attributes:
        name: unique; the path of the module that makes it, or the name of the call.
        operation: what makes it.
        inputs: the values that the operation reads.
        shape: (C, H, W). A flat vector is (C, 1, 1), or the image whose flattening it is.
        torch_shape: shape of the trained model's tensor without the batch: (C, H, W), (C, L) or (features,).
        source: the captured tensor of this value; None for a value inside a layer.
        original: the value before a pass changed it; its tensor is the same.
    """

    name: str
    operation: Operation
    inputs: tuple["Value", ...]
    shape: tuple[int, int, int]
    torch_shape: tuple[int, ...]
    source: Ref | None = None
    original: "Value | None" = None

    @property
    def kind(self) -> str:
        """Kind of the numbers: "f32", "integer", "bits" or "u8"."""
        return self.operation.kind

    @property
    def positions(self) -> int:
        """H * W."""
        return self.shape[1] * self.shape[2]

    def image(self, tensor: Tensor) -> Tensor:
        """Return the trained model's tensor (N, ...) as (N, H, W, C), contiguous."""
        return tensor.reshape(len(tensor), *self.shape).permute(0, 2, 3, 1).contiguous()

    def spread(self, parameter: Tensor) -> NDArray[Any]:
        """Return a parameter that broadcasts against the tensor as (C,), or (H, W, C) if positions differ."""
        whole = parameter.detach().expand(1, *self.torch_shape).reshape(self.shape)
        first = whole[:, :1, :1]
        whole = first[:, 0, 0] if bool((whole == first).all()) else whole.permute(1, 2, 0)
        return np.ascontiguousarray(whole.numpy())

    def __repr__(self) -> str:
        reads = ", ".join(value.name for value in self.inputs)
        return f"<Value '{self.name}': {self.operation.describe()} of {reads or 'nothing'}, {self.shape}>"


@dataclass
class Network:
    """Values in the order of execution; `notes` say, pass by pass, what was done to get here."""

    values: list[Value]
    output: Value
    notes: dict[str, list[str]] = field(default_factory=dict)

    def readers(self) -> Mapping[Value, list[Value]]:
        """Return the readers of each value."""
        found: dict[Value, list[Value]] = {value: [] for value in self.values}
        for value in self.values:
            for source in value.inputs:
                found[source].append(value)
        return found

    def live(self) -> Iterator[Value]:
        """Yield the values that the output depends on, in their order."""
        needed = {self.output}
        for value in reversed(self.values):
            if value in needed:
                needed.update(value.inputs)
        return (value for value in self.values if value in needed)
