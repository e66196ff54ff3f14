"""Collects ONNX nodes and constants. Values are (N, C, H, W) float32; signs are +1.0 and -1.0."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

__all__ = ["Builder"]


class Builder:
    """Names, nodes and initializers of one ONNX graph.

    Args:
        packed: keep binary weights as bits that the graph unpacks, else write them as float32.
    """

    def __init__(self, *, packed: bool) -> None:
        self.packed = packed
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._count = 0

    def constant(self, array: NDArray[Any]) -> str:
        """Return the name of a constant."""
        self._count += 1
        name = f"constant{self._count}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Append a node of one output and return the output's name; absent optional inputs are ""."""
        self._count += 1
        result = name or f"{kind.lower()}{self._count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [result], name=f"{result}/{kind}", **attributes))
        return result

    def scalar(self, value: float, dtype: Any = np.float32) -> str:
        """Return the name of a constant with one number and no axes."""
        return self.constant(np.array(value, dtype))

    def floats(self, array: NDArray[Any]) -> str:
        """Return a float32 value of a float32 or float16 array, which keeps its size in the file."""
        name = self.constant(array)
        return name if array.dtype == np.float32 else self.op("Cast", name, to=onnx.TensorProto.FLOAT)

    def per_channel(self, array: NDArray[Any]) -> str:
        """Return an array of shape (C) or (H, W, C) as a value that broadcasts over (N, C, H, W)."""
        return self.floats(array[:, None, None] if array.ndim == 1 else np.moveaxis(array, 2, 0))

    def signs(self, minus: str) -> str:
        """Return -1.0 where a boolean value is true, else +1.0."""
        return self.op("Where", minus, self.scalar(-1), self.scalar(1))
