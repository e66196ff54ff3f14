"""Operators of ATen -> equivalent modules, or an operation of the exporter."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn

from xnorkit.compile.pointwise import ACTIVATIONS, Pointwise, clip
from xnorkit.errors import ExportError

__all__ = ["as_module"]

Made = nn.Module | Pointwise | None


class _AnyNorm(nn.BatchNorm2d):
    """Accepts values with any number of axes, as the operator does."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        pass


def _batch_norm(a: Mapping[str, Any]) -> Made:
    if a.get("training"):
        raise ExportError(
            "batch norm with training=True takes the mean of the batch, but it must be in evaluation mode."
        )
    mean, variance = a["running_mean"], a["running_var"]
    norm = _AnyNorm(len(mean), a["eps"])
    norm.running_mean, norm.running_var = mean, variance
    norm.weight, norm.bias = (_parameter(a[role]) for role in ("weight", "bias"))  # type: ignore[assignment]
    return norm.eval()


def _convolution(a: Mapping[str, Any]) -> Made:
    weight = a["weight"]
    if a["transposed"] or weight.dim() not in (3, 4):
        return None
    make: Any = nn.Conv2d if weight.dim() == 4 else nn.Conv1d
    shape = (weight.shape[1] * a["groups"], weight.shape[0], tuple(weight.shape[2:]))
    geometry = (tuple(a["stride"]), tuple(a["padding"]), tuple(a["dilation"]), a["groups"])
    return _with_weights(make(*shape, *geometry, a["bias"] is not None), weight, a["bias"])


def _linear(weight: Tensor, bias: Tensor | None) -> Made:
    """Return the layer of x @ weight + bias, weight (in, out)."""
    return _with_weights(nn.Linear(weight.shape[0], weight.shape[1], bias is not None), weight.t().contiguous(), bias)


def _addmm(a: Mapping[str, Any]) -> Made:
    plain = a["alpha"] == a["beta"] == 1 and isinstance(a["self"], Tensor) and a["self"].dim() == 1
    return _linear(a["mat2"], a["self"]) if plain and isinstance(a["mat2"], Tensor) else None


def _with_weights(layer: Any, weight: Tensor, bias: Tensor | None) -> nn.Module:
    layer.weight, layer.bias = _parameter(weight), _parameter(bias)
    return layer


def _parameter(tensor: Tensor | None) -> nn.Parameter | None:
    return None if tensor is None else nn.Parameter(tensor.detach())


def _prelu(a: Mapping[str, Any]) -> Made:
    layer = nn.PReLU(a["weight"].numel())
    layer.weight = nn.Parameter(a["weight"].detach().reshape(-1))
    return layer


def _clamp(low: Any, high: Any) -> Made:
    """Return min(max(x, low), high), which is `high` everywhere if the bounds cross."""
    bounds = [None if bound is None else float(bound) for bound in (low, high)]
    if any(bound is not None and math.isnan(bound) for bound in bounds):
        raise ExportError(f"its bounds are {low} and {high}, but they must be numbers.")
    if bounds[0] == math.inf or bounds[1] == -math.inf:
        raise ExportError(f"its bounds are {low} and {high}, but they must be finite, or none.")
    low, high = (None if bound is None or math.isinf(bound) else bound for bound in bounds)
    if low is not None and high is not None:
        low = min(low, high)
    return clip(low, high, "clamp")


def _max_pool(a: Mapping[str, Any]) -> Made:
    return nn.MaxPool2d(*_window(a), a["dilation"], ceil_mode=a["ceil_mode"])


def _avg_pool(a: Mapping[str, Any]) -> Made:
    return nn.AvgPool2d(*_window(a), a["ceil_mode"], a["count_include_pad"], a["divisor_override"])


def _window(a: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Return kernel, stride and padding, in pairs; an empty stride is the kernel."""
    kernel, stride, padding = (_pair(a[key]) for key in ("kernel_size", "stride", "padding"))
    return kernel, stride or kernel, padding


def _pair(value: Any) -> tuple[int, ...]:
    numbers = tuple(value) if isinstance(value, list | tuple) else (value,)
    return numbers * 2 if len(numbers) == 1 else numbers


def _pad(a: Mapping[str, Any]) -> Made:
    pads = list(a["pad"])
    return nn.ConstantPad3d((*pads, *(0,) * (6 - len(pads))), float(a["value"])) if not any(pads[6:]) else None


def _plain(kind: Callable[[], nn.Module], _: Mapping[str, Any]) -> Made:
    return kind()


MAKERS: Mapping[str, Callable[[Mapping[str, Any]], Made]] = {
    "relu": lambda a: nn.ReLU(),
    "hardtanh": lambda a: _clamp(a["min_val"], a["max_val"]),
    "clamp": lambda a: _clamp(a["min"], a["max"]),
    "clamp_min": lambda a: _clamp(a["min"], None),
    "clamp_max": lambda a: _clamp(None, a["max"]),
    "leaky_relu": lambda a: nn.LeakyReLU(a["negative_slope"]),
    # ATen calls them as the format does.
    **{name: partial(_plain, kind) for kind, name in ACTIVATIONS.items()},
    "gelu": lambda a: nn.GELU(a["approximate"]),
    "_prelu_kernel": _prelu,
    "elu": lambda a: nn.ELU(a["alpha"]) if a["scale"] == a["input_scale"] == 1 else None,
    "softplus": lambda a: nn.Softplus(a["beta"], a["threshold"]),
    "_softmax": lambda a: nn.Softmax(a["dim"]) if not a["half_to_float"] else None,
    "max_pool2d_with_indices": _max_pool,
    "avg_pool2d": _avg_pool,
    "_adaptive_avg_pool2d": lambda a: nn.AdaptiveAvgPool2d(tuple(a["output_size"])),
    "adaptive_max_pool2d": lambda a: nn.AdaptiveMaxPool2d(tuple(a["output_size"])),
    **dict.fromkeys(("native_batch_norm", "_native_batch_norm_legit_no_training"), _batch_norm),
    "convolution": _convolution,
    "addmm": _addmm,
    "mm": lambda a: _linear(a["mat2"], None) if isinstance(a["mat2"], Tensor) else None,
    "constant_pad_nd": _pad,
}
"""What an operator makes from its arguments; the image's value is its first one (for `addmm` the second)."""


def as_module(op: str, arguments: Mapping[str, Any]) -> Made:
    """Return the equivalent of the operator `op` with its overload, such as "clamp.default"; None if there is none.

    Args:
        op: name and overload.
        arguments: by the names of its schema; tensors are constants.

    Raises:
        ExportError: arguments without a counterpart.
    """
    name, _, overload = op.partition(".")
    maker = MAKERS.get(name)
    return maker(arguments) if maker is not None and overload in ("default", "") else None
