"""Collects values under unique names."""

from collections.abc import Sequence

from xnorkit.compile.frontend.views import as_shape
from xnorkit.compile.operations import Input
from xnorkit.compile.values import Network, Operation, Value

__all__ = ["Builder"]


class Builder:
    """The values so far; the first is the image."""

    def __init__(self, input_shape: tuple[int, int, int]) -> None:
        self.values: list[Value] = []
        self._names: set[str] = set()
        self.image = self.add("input", Input(), (), input_shape)

    def add(
        self,
        name: str,
        operation: Operation,
        inputs: Sequence[Value],
        torch_shape: tuple[int, ...],
        shape: tuple[int, int, int] | None = None,
    ) -> Value:
        """Add a value and return it; if its name is taken, '.2', '.3', ... is appended.

        Args:
            name: path of the module, or name of the call.
            operation: makes the value.
            inputs: the values that it reads.
            torch_shape: of the trained model's tensor, without the batch.
            shape: (C, H, W), if it does not follow from `torch_shape`, as for a flattened image.
        """
        unique, count = name, 1
        while unique in self._names:
            count += 1
            unique = f"{name}.{count}"
        self._names.add(unique)
        value = Value(unique, operation, tuple(inputs), shape or as_shape(torch_shape), torch_shape)
        self.values.append(value)
        return value

    def add_in_turn(self, name: str, operations: Sequence[Operation], x: Value, torch_shape: tuple[int, ...]) -> Value:
        """Add one operation after another, from `x` on, and return the last value, which has the name.

        The others are named 'name.0', 'name.1', ...; all have the torch shape, and the shape of `x` if it is the same.
        """
        shape = x.shape if torch_shape == x.torch_shape else None
        for index, operation in enumerate(operations):
            part = name if index == len(operations) - 1 else f"{name}.{index}"
            x = self.add(part, operation, (x,), torch_shape, shape)
        return x

    def network(self, output: Value) -> Network:
        """Return the collected values as a network."""
        return Network(self.values, output)
