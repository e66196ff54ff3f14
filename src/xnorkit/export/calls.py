"""Functional and method calls -> the modules that they stand for."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["as_module"]

Target = Any


def _plain(make: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """Return a maker that leaves `inplace` out."""
    return lambda inplace=False, **options: make(**options)


def _window(make: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """Return a maker of a pool from the arguments of its function, whose stride may be an empty list."""

    def pool(kernel_size: Any, stride: Any = None, padding: Any = 0, *rest: Any, **options: Any) -> nn.Module:
        return make(kernel_size, stride or None, padding, *rest, **options)

    return pool


def _max_window(make: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    def pool(  # noqa: PLR0917 - the order of torch.nn.functional.max_pool2d
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> nn.Module:
        return make(kernel_size, stride or None, padding, dilation, return_indices, ceil_mode)

    return pool


class _AnyNorm(nn.BatchNorm2d):
    """For values of any number of axes, as the function is."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        pass


def _batch_norm(  # noqa: PLR0917 - the order of torch.nn.functional.batch_norm
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> nn.Module:
    norm = _AnyNorm(len(running_mean), eps)
    norm.running_mean, norm.running_var = running_mean, running_var
    norm.weight, norm.bias = (None if t is None else nn.Parameter(t) for t in (weight, bias))  # type: ignore[assignment]
    return norm.eval()


def _convolution(  # noqa: PLR0917 - the order of torch.nn.functional.conv2d
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> nn.Module:
    make: Any = nn.Conv2d if weight.dim() == 4 else nn.Conv1d
    shape = (weight.shape[1] * groups, weight.shape[0], tuple(weight.shape[2:]))
    layer: Any = make(*shape, stride, padding, dilation, groups, bias is not None)
    return _with_weights(layer, weight, bias)


def _linear(weight: Tensor, bias: Tensor | None = None) -> nn.Module:
    return _with_weights(nn.Linear(weight.shape[1], weight.shape[0], bias is not None), weight, bias)


def _with_weights(layer: Any, weight: Tensor, bias: Tensor | None) -> nn.Module:
    layer.weight = nn.Parameter(weight.detach())
    layer.bias = None if bias is None else nn.Parameter(bias.detach())
    return layer


def _prelu(weight: Tensor) -> nn.Module:
    layer = nn.PReLU(weight.numel())
    layer.weight = nn.Parameter(weight.detach().reshape(-1))
    return layer


def _clamp(min: float | None = None, max: float | None = None) -> nn.Module:  # noqa: A002 - torch's names
    low, high = (-torch.inf if min is None else min), (torch.inf if max is None else max)
    return nn.Hardtanh(low, high) if low < high else nn.Identity()


def _pad(pad: Any, mode: str = "constant", value: float | None = None) -> nn.Module | None:
    return nn.ConstantPad3d(tuple(pad), 0.0) if mode == "constant" and not value else None


MAKERS: Mapping[Target, Callable[..., nn.Module | None]] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_, "relu", "relu_"), _plain(nn.ReLU)),
    **dict.fromkeys((F.relu6,), _plain(nn.ReLU6)),
    **dict.fromkeys(
        (F.hardtanh, F.hardtanh_), lambda min_val=-1.0, max_val=1.0, inplace=False: nn.Hardtanh(min_val, max_val)
    ),
    **dict.fromkeys((torch.clamp, "clamp", "clamp_", torch.clip, "clip"), _clamp),
    **dict.fromkeys((torch.clamp_min, "clamp_min", "clamp_min_"), _clamp),
    **dict.fromkeys((torch.clamp_max, "clamp_max", "clamp_max_"), lambda max: _clamp(None, max)),  # noqa: A006
    **dict.fromkeys(
        (F.leaky_relu, F.leaky_relu_), lambda negative_slope=0.01, inplace=False: nn.LeakyReLU(negative_slope)
    ),
    **dict.fromkeys((torch.sigmoid, F.sigmoid, "sigmoid"), nn.Sigmoid),
    **dict.fromkeys((torch.tanh, F.tanh, "tanh"), nn.Tanh),
    **dict.fromkeys((F.prelu, torch.prelu), _prelu),
    F.silu: _plain(nn.SiLU),
    F.gelu: lambda approximate="none": nn.GELU(approximate),
    F.hardsigmoid: _plain(nn.Hardsigmoid),
    F.hardswish: _plain(nn.Hardswish),
    **dict.fromkeys((F.softmax, torch.softmax, "softmax"), lambda dim=None, **_: nn.Softmax(dim)),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), _max_window(nn.MaxPool2d)),
    **dict.fromkeys((F.max_pool1d, torch.max_pool1d), _max_window(nn.MaxPool1d)),
    **dict.fromkeys((F.avg_pool2d, torch._C._nn.avg_pool2d), _window(nn.AvgPool2d)),
    **dict.fromkeys((F.avg_pool1d, torch.avg_pool1d), _window(nn.AvgPool1d)),
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    **dict.fromkeys((F.adaptive_avg_pool1d, torch.adaptive_avg_pool1d), nn.AdaptiveAvgPool1d),
    F.adaptive_max_pool2d: lambda output_size, return_indices=False: nn.AdaptiveMaxPool2d(output_size, return_indices),
    **dict.fromkeys((F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout), lambda *args, **kwargs: nn.Identity()),
    **dict.fromkeys(("contiguous", "detach", "clone", "float", torch.clone), lambda **_: nn.Identity()),
    F.batch_norm: _batch_norm,
    **dict.fromkeys((F.conv2d, torch.conv2d, F.conv1d, torch.conv1d), _convolution),
    **dict.fromkeys((F.linear,), _linear),
    F.pad: _pad,
}
"""What a call makes of its arguments behind the value."""


def as_module(target: Target, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> nn.Module | None:
    """Return the module that a call of `target` with arguments behind the value stands for, None if there is none."""
    try:
        maker = MAKERS.get(target)
    except TypeError:
        return None
    if maker is None:
        return None
    try:
        inspect.signature(maker).bind(*args, **kwargs)
    except TypeError:
        return None
    return maker(*args, **kwargs)
