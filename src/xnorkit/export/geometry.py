"""Torch layers -> the attributes and tensor layouts of `.xnor` nodes."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xnorkit.errors import ExportError
from xnorkit.export.trace import Step

__all__ = ["as_float32", "channels_last", "filters", "layer_attributes", "pack_filters", "pool_attributes"]


def layer_attributes(step: Step) -> tuple[str, dict[str, Any]]:
    """Return the op's stem, 'conv2d' or 'linear', and its geometry.

    Raises:
        ExportError: the convolution is grouped.
    """
    layer = step.module
    if isinstance(layer, nn.Linear):
        return "linear", {"out_features": layer.out_features}
    assert isinstance(layer, nn.Conv2d)
    if layer.groups != 1:
        raise ExportError(
            f"'{step.name}' has groups={layer.groups}; required: groups=1, the engine has no grouped convolution."
        )
    left, right, top, bottom = layer._reversed_padding_repeated_twice
    return "conv2d", {
        "kernel": list(layer.kernel_size),
        "stride": list(layer.stride),
        "padding": [top, left, bottom, right],
        "dilation": list(layer.dilation),
        "groups": layer.groups,
        "in_channels": layer.in_channels,
        "out_channels": layer.out_channels,
    }


def pool_attributes(step: Step) -> dict[str, Any]:
    """Return kernel, stride and padding of a MaxPool2d; ceil_mode becomes padding at the bottom and right.

    The last window of `out` windows ends at (out - 1) * stride + kernel, counted from the padded top.
    """
    pool = step.module
    assert isinstance(pool, nn.MaxPool2d)
    kernel, stride, padding = _pair(pool.kernel_size), _pair(pool.stride), _pair(pool.padding)
    if _pair(pool.dilation) != [1, 1]:
        raise ExportError(f"'{step.name}' has dilation={pool.dilation}; required: 1.")
    after = list(padding)
    if pool.ceil_mode:
        for axis in (0, 1):
            size, out = step.in_shape[1 + axis], step.out_shape[1 + axis]
            after[axis] = max(0, (out - 1) * stride[axis] + kernel[axis] - size - padding[axis])
    return {"kernel": kernel, "stride": stride, "padding": [*padding, *after]}


def filters(weight: Tensor, image: tuple[int, int, int]) -> Tensor:
    """Return (O, C, KH, KW) or (O, C*H*W) weights as (O, KH, KW, C), image being the linear layer's (C, H, W)."""
    if weight.dim() == 2:
        weight = weight.reshape(weight.shape[0], *image)
    return weight.detach().cpu().permute(0, 2, 3, 1).contiguous()


def pack_filters(signs: Tensor) -> NDArray[np.uint8]:
    """Return (O, KH, KW, C) of +-1 as (O, ceil(KH*KW*C/8)) bytes: bit 1 means -1, least significant first."""
    minus = (signs < 0).numpy().reshape(signs.shape[0], -1)
    return np.packbits(minus, axis=1, bitorder="little")


def channels_last(values: NDArray[Any]) -> NDArray[Any]:
    """Return (C,) as it is and (C, H, W) as (H, W, C)."""
    return values if values.ndim == 1 else np.ascontiguousarray(values.transpose(1, 2, 0))


def as_float32(values: Tensor) -> NDArray[np.float32]:
    """Return a contiguous float32 array."""
    return np.ascontiguousarray(values.detach().cpu().to(torch.float32).numpy())


def _pair(value: int | tuple[int, ...]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)
