"""op(s, b) * scale as one operation, whose backward pass needs neither the dot product nor a scaled gradient.

With y = scale_o * dot_o, dot = op(s, b) and g = dC/dy, autograd would keep the dot for dC/dscale_o = sum g dot and
write out scale * g for both gradients of op. Let G = op_weight(s, g) be the gradient of the weight without the scale.
Because op is linear in both arguments,

    dC/ds = op_input(scale * g, b) = op_input(g, scale * b)
    dC/db_o = scale_o G_o
    dC/dscale_o = sum over n and positions of g_o op(s, b)_o = <G_o, b_o>, the sum over the filter,

which touch weights where the other form touches activations, and keep only s and b.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["scaled_conv", "scaled_linear"]


class _ScaledConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, s: Tensor, b: Tensor, scale: Tensor, geometry: tuple[Sequence[int], Sequence[int], Sequence[int], int]
    ) -> Tensor:
        stride, padding, dilation, groups = geometry
        ctx.save_for_backward(s, b, scale)
        ctx.options = (stride, padding, dilation, False, [0] * len(stride), groups)
        return torch.ops.aten.convolution(s, b, None, *ctx.options).mul_(_per_filter(scale, s.dim() - 2))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        s, b, scale = ctx.saved_tensors
        needs_s, needs_b, needs_scale, _ = ctx.needs_input_grad
        scaled = b * _per_filter(scale, b.dim() - 1)
        mask = [needs_s, needs_b or needs_scale, False]
        to_s, weight, _ = torch.ops.aten.convolution_backward(grads[0], s, scaled, None, *ctx.options, mask)
        return to_s, *_to_factors(weight, b, scale, needs_b, needs_scale), None


class _ScaledLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, s: Tensor, b: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(s, b, scale)
        return torch.nn.functional.linear(s, b).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        s, b, scale = ctx.saved_tensors
        needs_s, needs_b, needs_scale = ctx.needs_input_grad
        g = grads[0]
        to_s = g @ (b * scale[:, None]) if needs_s else None
        weight = g.reshape(-1, len(b)).T @ s.reshape(-1, b.shape[1]) if needs_b or needs_scale else None
        return to_s, *_to_factors(weight, b, scale, needs_b, needs_scale)


def scaled_conv(  # noqa: PLR0917 - the order of torch.nn.functional.conv2d
    s: Tensor,
    b: Tensor,
    scale: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """Return conv(s, b) * scale (N, C_out, ...) for s (N, C_in, ...), b (C_out, C_in / groups, ...), scale (C_out,)."""
    return _ScaledConv.apply(s, b, scale, (stride, padding, dilation, groups))


def scaled_linear(s: Tensor, b: Tensor, scale: Tensor) -> Tensor:
    """Return (s b^T) * scale (..., O) for s (..., I), b (O, I), scale (O,)."""
    return _ScaledLinear.apply(s, b, scale)


def _to_factors(
    weight: Tensor | None, b: Tensor, scale: Tensor, needs_b: bool, needs_scale: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Return dC/db and dC/dscale from G, the gradient of the weight without the scale."""
    if weight is None:
        return None, None
    to_scale = (weight * b).flatten(1).sum(1) if needs_scale else None
    return weight * _per_filter(scale, b.dim() - 1) if needs_b else None, to_scale


def _per_filter(scale: Tensor, dims: int) -> Tensor:
    return scale.reshape(-1, *(1,) * dims)
