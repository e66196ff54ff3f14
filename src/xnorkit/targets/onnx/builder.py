"""Collects ONNX nodes and constants. Values are (N, C, H, W) float32; signs are +1.0 and -1.0.

A runtime may fold a constant factor or summand into the preceding step, and does so by default: the scale after
a convolution into its filters, two factors into one, a product and a sum into one rounding. It then computes different
numbers: a sum of integers that is 0 becomes about -1.5e-8, and the next sign flips. So `scaled`, `shifted` and `whole`
put a step between the two that changes nothing, and across which no optimiser moves a factor.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

__all__ = ["Builder"]


class Builder:
    """Names, nodes and initializers of one ONNX graph.

    Args:
        packed: keep binary weights as bits that the graph unpacks; otherwise write them as float32.
        decisive: names of the nodes on which a sign or an 8-bit number depends through exact steps only.
    """

    def __init__(self, *, packed: bool, decisive: Collection[str]) -> None:
        self.packed = packed
        self.decisive = decisive
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._count = 0
        self._foldable: set[str] = set()

    def constant(self, array: NDArray[Any]) -> str:
        """Return the name of a constant."""
        self._count += 1
        name = f"constant{self._count}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Append a node with one output and return the output's name; absent optional inputs are ""."""
        self._count += 1
        result = name or f"{kind.lower()}{self._count}"
        if kind == "Conv":
            self._foldable.add(result)
        self.nodes.append(helper.make_node(kind, list(inputs), [result], name=f"{result}/{kind}", **attributes))
        return result

    def scalar(self, value: float, dtype: Any = np.float32) -> str:
        """Return the name of a constant with one number and no axes."""
        return self.constant(np.array(value, dtype))

    def floats(self, array: NDArray[Any]) -> str:
        """Return a float32 value for a float32 or float16 array, which keeps its size in the file."""
        name = self.constant(array)
        return name if array.dtype == np.float32 else self.op("Cast", name, to=onnx.TensorProto.FLOAT)

    def per_channel(self, array: NDArray[Any]) -> str:
        """Return an array of shape (C) or (H, W, C) as a value that broadcasts over (N, C, H, W)."""
        return self.floats(array[:, None, None] if array.ndim == 1 else np.moveaxis(array, 2, 0))

    def whole(self, sums: str) -> str:
        """Return sums of integers unchanged: rounding changes no integer, and removes an error below 1/2."""
        return self.op("Round", sums)

    def scaled(self, value: str, factors: NDArray[Any], name: str | None = None) -> str:
        """Return value * factors in one rounding; factors as in `per_channel`."""
        return self._step("Mul", value, factors, name)

    def shifted(self, value: str, summands: NDArray[Any], name: str | None = None) -> str:
        """Return value + summands in one rounding; summands as in `per_channel`."""
        return self._step("Add", value, summands, name)

    def _step(self, kind: str, value: str, constants: NDArray[Any], name: str | None) -> str:
        if value in self._foldable:
            value = self.op("Max", value, self.scalar(-np.inf))
        result = self.op(kind, value, self.per_channel(constants), name=name)
        self._foldable.add(result)
        return result

    def signs(self, minus: str) -> str:
        """Return -1.0 where a boolean value is true, and +1.0 elsewhere."""
        return self.op("Where", minus, self.scalar(-1), self.scalar(1))
