"""The channels of a layer, and their axis, for the binarizers that serve it."""

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import mean_abs

__all__ = ["channel_shape", "in_channels", "initial_scale", "match_rank", "out_channels", "positive", "spatial_dims"]


def in_channels(layer: nn.Module) -> int:
    """Return the number of input channels or features of `layer`."""
    return _first(layer, "in_channels", "in_features")


def out_channels(layer: nn.Module) -> int:
    """Return the number of output channels or features of `layer`."""
    return _first(layer, "out_channels", "out_features")


def spatial_dims(layer: nn.Module) -> int:
    """Return the number of dimensions after the channels: 2 for a Conv2d, 0 for a Linear."""
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() < 2:
        raise InputError(
            f"layer is a {type(layer).__name__} without a weight of two or more dimensions, but it must be a linear or "
            "convolutional layer. Pass the layer that this binarizer serves."
        )
    return weight.dim() - 2


def channel_shape(channels: int, dims: int) -> tuple[int, ...]:
    """Return (1, channels, 1, ..., 1), with `dims` ones at the end."""
    return (1, channels, *(1,) * dims)


@torch.no_grad()
def initial_scale(layer: nn.Module) -> Tensor:
    """Return mean |W| per output channel (O,), float32 or wider; all channels of a transposed convolution share one."""
    channels, weight = out_channels(layer), layer.weight
    assert isinstance(weight, Tensor)
    weight = weight.to(torch.promote_types(weight.dtype, torch.float32))
    return weight.abs().mean().repeat(channels) if getattr(layer, "transposed", False) else mean_abs(weight)


def match_rank(parameter: Tensor, x: Tensor) -> Tensor:
    """Return `parameter` (1, C, ...) without its first dimension if `x` is a single image (C, ...)."""
    return parameter if x.dim() >= parameter.dim() else parameter[0]


def positive(owner: str, name: str, value: float) -> float:
    """Return `value`; raise InputError unless it is above 0."""
    if not value > 0:
        raise InputError(f"{owner}: {name}={value}, but it must be above 0.")
    return value


def _first(layer: nn.Module, *names: str) -> int:
    for name in names:
        value = getattr(layer, name, None)
        if isinstance(value, int):
            return value
    raise InputError(
        f"layer is a {type(layer).__name__} with neither {' nor '.join(names)}, but it must be a linear or "
        "convolutional layer. Pass the layer that this binarizer serves."
    )
