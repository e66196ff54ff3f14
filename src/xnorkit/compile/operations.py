"""Operations on whole values: pools, sums, layers. Operations on each number are in `pointwise.py`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from xnorkit.compile.values import Operation
from xnorkit.functional import input_scale

__all__ = [
    "Add",
    "AvgPool",
    "Concat",
    "Crop",
    "Flatten",
    "Gather",
    "GlobalAvgPool",
    "Input",
    "KMap",
    "Layer",
    "MaxPool",
    "Multiply",
    "Pad",
    "PadBits",
    "Quantize",
    "Softmax",
]


class Input(Operation):
    """The image."""


class Flatten(Operation):
    """A view of an image as one vector in (C, H, W) order, or back: the same numbers in the same memory."""

    def __init__(self, torch_shape: tuple[int, ...]) -> None:
        self.torch_shape = torch_shape

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return inputs[0].reshape(-1, *self.torch_shape)


class Add(Operation):
    """x + y."""

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return inputs[0] + inputs[1]


class Multiply(Operation):
    """x * y; y may have one position or one channel."""

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return inputs[0] * inputs[1]


class Concat(Operation):
    """Concatenation along the channels."""

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return torch.cat(inputs, 1)


class Softmax(Operation):
    """Softmax over the channels."""

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return inputs[0].softmax(1)


class GlobalAvgPool(Operation):
    """Mean over the positions, to `torch_shape`."""

    def __init__(self, torch_shape: tuple[int, ...]) -> None:
        self.torch_shape = torch_shape

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        x = inputs[0]
        return x.mean(tuple(range(2, x.dim()))).reshape(-1, *self.torch_shape)


@dataclass
class Gather(Operation):
    """y[c] = x[index[c]] over the channels: slices, shuffles, repeats."""

    index: Tensor

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return inputs[0][:, self.index]


@dataclass
class Crop(Operation):
    """Rows and columns of every channel, at equal steps.

    In the graph it is a depthwise convolution with one weight of 1: 1 * x + 0 + ... is exactly x. A kernel of
    H - (n - 1) * step rows fits n times, at the steps of the crop, into H rows.
    """

    rows: range
    columns: range

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        x = inputs[0][..., list(self.columns)]
        return x if x.dim() == 3 else x[:, :, list(self.rows)]

    def convolution(self, shape: tuple[int, int, int]) -> tuple[dict[str, Any], NDArray[np.float32]]:
        """Return the attributes and the weight (C, KH, KW, 1) of the convolution on a value of `shape`."""
        channels, *sides = shape
        picks = (self.rows, self.columns)
        kernel = [size - (len(pick) - 1) * pick.step for size, pick in zip(sides, picks, strict=True)]
        weight = np.zeros((channels, *kernel, 1), np.float32)
        weight[:, self.rows.start, self.columns.start] = 1
        attributes = {"kernel": kernel, "stride": [pick.step for pick in picks], "padding": [0] * 4, "dilation": [1, 1]}
        return {**attributes, "groups": channels, "in_channels": channels, "out_channels": channels}, weight


@dataclass
class Pad(Operation):
    """Zeros around the image ([top, left, bottom, right]) and around the channels ([before, after])."""

    padding: list[int]
    channels: list[int]

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        top, left, bottom, right = self.padding
        sides = (left, right, top, bottom) if inputs[0].dim() == 4 else (left, right)
        return F.pad(inputs[0], (*sides, *self.channels))


@dataclass
class PadBits(Operation):
    """Signs -1 around the image, [top, left, bottom, right]: the padding 0 of activations 0 and 1."""

    kind = "bits"
    padding: list[int]

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return _padded(inputs[0], self.padding, -1.0)


def _padded(x: Tensor, padding: list[int], value: float) -> Tensor:
    """Return x (N, C, H, W) or (N, C, L) with [top, left, bottom, right] positions of `value`."""
    top, left, bottom, right = padding
    return F.pad(x, (left, right, top, bottom) if x.dim() == 4 else (left, right), value=value)


@dataclass
class _Pool(Operation):
    """A trained pool with the attributes of the graph's window."""

    module: nn.Module
    attributes: dict[str, Any]

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return self.module.forward(inputs[0])


class MaxPool(_Pool):
    """A trained max-pool."""


class AvgPool(_Pool):
    """A trained average pool."""


@dataclass
class Quantize(Operation):
    """clamp(rint(x / scale) + zero_point, 0, 255) of an 8-bit layer's learned quantizer; or the pixels themselves."""

    kind = "u8"
    quantizer: Any

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        d, _ = self.quantizer.quantize(inputs[0])
        return d + self.quantizer.zero_point().to(d.dtype)


@dataclass
class KMap(Operation):
    """The map K of a value; geometry as `xnorkit.functional.input_scale` takes it."""

    geometry: tuple[Any, ...]
    attributes: dict[str, Any]

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return input_scale(inputs[0], *self.geometry)


@dataclass
class Layer(Operation):
    """A convolution or linear layer.

    Attributes:
        form: "float", "binary_weight" (signs as weights, float input), "binary" or "int8"; the last two give integers.
        module: the trained module.
        weight: float weights, or +1 and -1, or int8 numbers as floats, in the layout of `module.weight`.
        attributes: the graph's geometry, or {"out_features": O}.
        bias: of a float or int8 layer; the others add it in the pointwise operation that follows.
    """

    form: str
    module: nn.Module
    weight: Tensor
    attributes: dict[str, Any]
    bias: Tensor | None = None
    zero_point: Tensor | None = None

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Return "integer" if the sums are integers, else "f32"."""
        return "integer" if self.form in ("binary", "int8") else "f32"

    @property
    def op(self) -> str:
        """The graph's name of the operation."""
        return f"{self.form}_{'conv2d' if 'kernel' in self.attributes else 'linear'}"

    @property
    def reach(self) -> int:
        """The largest magnitude of an integer layer's sum: K ones, or 255 times the weights, and the bias."""
        per_filter = self.weight.abs().flatten(1).sum(1)
        if self.form == "int8":
            per_filter = 255 * per_filter + (0 if self.bias is None else self.bias.abs())
        return int(per_filter.max())

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the sums: integers as float32 for signs (exact below 2^24), as float64 for 8-bit layers."""
        x, weight, bias = inputs[0], self.weight, self.bias
        if self.form == "int8":
            assert self.zero_point is not None
            x, weight = (x - self.zero_point).double(), weight.double()
            bias = None if bias is None else bias.double()
        module: Any = self.module
        if isinstance(module, nn.Linear):
            return F.linear(x, weight, bias)
        padded = _padded(x, self.attributes["padding"], 0.0)
        convolve = F.conv1d if isinstance(module, nn.Conv1d) else F.conv2d
        return convolve(padded, weight, bias, module.stride, 0, module.dilation, module.groups)
