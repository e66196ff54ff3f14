"""Modules that change the image's size: pools, adaptive pools, padding; and softmax."""

from typing import Any

from torch import nn

from xnorkit.compile.frontend.builder import Builder
from xnorkit.compile.frontend.views import as_shape
from xnorkit.compile.operations import AvgPool, GlobalAvgPool, MaxPool, Pad, Softmax
from xnorkit.compile.values import Value
from xnorkit.errors import ExportError

__all__ = ["RESHAPING", "add_reshaping"]

MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d)
AVG_POOLS = (nn.AvgPool1d, nn.AvgPool2d)
ADAPTIVE_MAX = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d)
ADAPTIVE_AVG = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)
PADS = (nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)
RESHAPING = (*MAX_POOLS, *AVG_POOLS, *ADAPTIVE_MAX, *ADAPTIVE_AVG, *PADS, nn.Softmax)


def add_reshaping(
    builder: Builder, name: str, module: nn.Module, x: Value, torch_shape: tuple[int, ...]
) -> Value | None:
    """Add a pool, a padding or a softmax; return its value, or None if `module` is none of them.

    Raises:
        ExportError: an option without a counterpart; names the module.
    """
    operation: Any = None
    if isinstance(module, MAX_POOLS):
        operation = MaxPool(module, _max_window(name, module, x, torch_shape))
    elif isinstance(module, AVG_POOLS):
        operation = _avg_pool(name, module)
    elif isinstance(module, ADAPTIVE_AVG) and all(size == 1 for size in torch_shape[1:]):
        operation = GlobalAvgPool(torch_shape)
    elif isinstance(module, ADAPTIVE_AVG):
        window = _divided(name, module, x, torch_shape)
        operation = AvgPool(module, {**window, "ceil_mode": False, "count_include_pad": True})
    elif isinstance(module, ADAPTIVE_MAX):
        if module.return_indices:
            raise ExportError(f"'{name}': return_indices=True has no counterpart, but it must be False.")
        operation = MaxPool(module, {**_divided(name, module, x, torch_shape), "dilation": [1, 1]})
    elif isinstance(module, PADS):
        operation = _pad(name, module, len(x.torch_shape))
    elif isinstance(module, nn.Softmax):
        if module.dim not in (1, -len(x.torch_shape)) or (len(x.torch_shape) == 1 and x.positions > 1):
            raise ExportError(f"'{name}': softmax is over dimension {module.dim}, but it must be 1, the channels.")
        operation = Softmax()
    return None if operation is None else builder.add(name, operation, (x,), torch_shape)


def _window(module: Any) -> tuple[list[int], list[int], list[int]]:
    """Return kernel, stride and padding, two numbers each."""
    flat = isinstance(module, nn.MaxPool1d | nn.AvgPool1d)
    kernel, stride, padding = (
        _pair(v, n, flat)
        for v, n in (
            (module.kernel_size, 1),
            (module.stride if module.stride is not None else module.kernel_size, 1),
            (module.padding, 0),
        )
    )
    return kernel, stride, padding


def _pair(value: Any, neutral: int, flat: bool) -> list[int]:
    """Return [rows, columns] of a module's option; the rows of a one-dimensional option are `neutral`."""
    numbers = list(value) if isinstance(value, tuple | list) else [value] * (1 if flat else 2)
    return [neutral, *numbers] if flat else numbers


def _max_window(name: str, pool: Any, x: Value, torch_shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the window; ceil_mode becomes padding at the bottom and right.

    The last window of `out` windows ends at (out - 1) * stride + reach, counted from the padded top.
    """
    if pool.return_indices:
        raise ExportError(f"'{name}': return_indices=True has no counterpart, but it must be False.")
    kernel, stride, padding = _window(pool)
    dilation = _pair(pool.dilation, 1, isinstance(pool, nn.MaxPool1d))
    after = list(padding)
    if pool.ceil_mode:
        out = as_shape(torch_shape)[1:]
        for axis in (0, 1):
            reach = dilation[axis] * (kernel[axis] - 1) + 1
            after[axis] = max(0, (out[axis] - 1) * stride[axis] + reach - x.shape[1 + axis] - padding[axis])
    return {"kernel": kernel, "stride": stride, "padding": [*padding, *after], "dilation": dilation}


def _avg_pool(name: str, pool: Any) -> AvgPool:
    if getattr(pool, "divisor_override", None) is not None:
        raise ExportError(
            f"'{name}': divisor_override={pool.divisor_override} has no counterpart, but it must be None."
        )
    kernel, stride, padding = _window(pool)
    window = {"kernel": kernel, "stride": stride, "padding": [*padding, *padding]}
    return AvgPool(pool, {**window, "ceil_mode": pool.ceil_mode, "count_include_pad": pool.count_include_pad})


def _divided(name: str, module: nn.Module, x: Value, torch_shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the window of an adaptive pool whose output divides the image."""
    out = as_shape(torch_shape)[1:]
    if any(size % wanted for size, wanted in zip(x.shape[1:], out, strict=True)):
        raise ExportError(
            f"'{name}' ({type(module).__name__}) pools {x.shape[1]} x {x.shape[2]} to {out[0]} x {out[1]}, but "
            "this must divide the image's size, so that all windows have the same size."
        )
    kernel = [size // wanted for size, wanted in zip(x.shape[1:], out, strict=True)]
    return {"kernel": kernel, "stride": kernel, "padding": [0, 0, 0, 0]}


def _pad(name: str, module: Any, axes: int) -> Pad:
    """Return the padding of a value of `axes` axes without the batch; a one-dimensional image has no rows."""
    sides = [*module.padding, 0, 0, 0, 0, 0, 0][:6] if not isinstance(module.padding, int) else []
    if sides and axes == 2 and not any(sides[4:]):
        sides = [*sides[:2], 0, 0, *sides[2:4]]
    if getattr(module, "value", 0) != 0 or not sides or min(sides) < 0:
        raise ExportError(f"'{name}' ({type(module).__name__}) does not pad with zeros on every side, but it must.")
    left, right, top, bottom, before, after = sides
    return Pad([top, left, bottom, right], [before, after])
