"""The map K of XNOR-Net after a binary layer: k_map of its float input, times its output."""

from typing import Any

import torch

from xnorkit.compile.frontend.builder import Builder
from xnorkit.compile.operations import Concat, Gather, KMap, Multiply
from xnorkit.compile.values import Value
from xnorkit.ops import XNORScaleBinarizer

__all__ = ["add_k_map"]


def add_k_map(builder: Builder, name: str, process: XNORScaleBinarizer, y: Value, x: Value) -> Value:
    """Add y * K(x); with groups, each group of channels has its own map.

    Args:
        builder: takes the values.
        name: name of the layer.
        process: its output process, which has the geometry.
        y: the layer's output.
        x: the layer's float input.
    """
    geometry = (process.kernel_size, process.stride, process.padding, process.dilation)
    attributes = _attributes(process, x)
    shape = (1, *y.torch_shape[1:])
    maps = []
    for group in range(process.groups):
        part, suffix = x, ""
        if process.groups > 1:
            size, suffix = x.shape[0] // process.groups, f".{group}"
            index = torch.arange(group * size, (group + 1) * size)
            part = builder.add(f"{name}.k{suffix}.channels", Gather(index), (x,), (size, *x.torch_shape[1:]))
        maps.append(builder.add(f"{name}.k{suffix}", KMap(geometry, attributes), (part,), shape))
    if process.groups == 1:
        return builder.add(f"{name}.scaled", Multiply(), (y, maps[0]), y.torch_shape)
    stack = builder.add(f"{name}.k", Concat(), tuple(maps), (process.groups, *shape[1:]))
    index = torch.arange(process.groups).repeat_interleave(y.shape[0] // process.groups)
    spread = builder.add(f"{name}.k.spread", Gather(index), (stack,), y.torch_shape)
    return builder.add(f"{name}.scaled", Multiply(), (y, spread), y.torch_shape)


def _attributes(process: XNORScaleBinarizer, x: Value) -> dict[str, Any]:
    """Return the graph's window; that of a linear layer covers its whole input."""
    kernel, stride, dilation = (list(v) for v in (process.kernel_size, process.stride, process.dilation))
    if not kernel:
        return {"kernel": list(x.shape[1:]), "stride": [1, 1], "padding": [0] * 4, "dilation": [1, 1]}
    if process.padding == "same":  # as in torch, the odd zero of an even kernel goes last
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        before, after = [t // 2 for t in total], [t - t // 2 for t in total]
    else:
        before = after = [0] * len(kernel) if process.padding == "valid" else list(process.padding)  # type: ignore[arg-type]
    row = [] if len(kernel) == 2 else [1]
    zero = [0] * len(row)
    return {
        "kernel": row + kernel,
        "stride": row + stride,
        "padding": [*zero, *before, *zero, *after],
        "dilation": row + dilation,
    }
