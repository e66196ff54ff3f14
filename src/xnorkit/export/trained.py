"""The trained model's own numbers: every value of the network, on one batch of images."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from xnorkit.export.lower import Export
from xnorkit.export.operations import Layer
from xnorkit.export.values import Value

__all__ = ["TrainedValues"]


class _Recorder(fx.Interpreter):
    """Keeps a copy of what every fx node gave, as operations in place may overwrite it."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.tensors: dict[str, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.tensors[n.name] = result.clone()
        return result


class TrainedValues:
    """What the trained model computes on `images` (N, C, H, W) float32.

    A value that an fx node gives is recorded from the model's own forward pass. One inside of a layer (the signs, their
    integer sums) is computed from recorded ones by the trained modules.
    """

    def __init__(self, export: Export, images: NDArray[np.float32]) -> None:
        recorder = _Recorder(export.module)
        with torch.no_grad():
            self.output: Tensor = recorder.run(torch.from_numpy(images))
        self._recorded = recorder.tensors
        self._computed: dict[Value, Tensor] = {}

    def tensor(self, value: Value) -> Tensor:
        """Return a value (N, ...) in the trained model's layout."""
        if value.original is not None:
            return self.tensor(value.original)
        if value.source is not None:
            return self._recorded[value.source]
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
        """Return the integer sums (N, OH, OW, O) of the layer behind whose epilogue `value` is; None without one."""
        while not isinstance(value.operation, Layer):
            if not value.inputs or value.kind == "u8":
                return None
            value = value.inputs[0]
        return self.image(value) if value.kind == "integer" else None
