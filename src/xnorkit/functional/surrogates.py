"""The sign with other gradients than the straight-through estimator."""

from typing import Any

import torch
from torch import Tensor

from xnorkit.functional.sign import sign

__all__ = ["approx_sign"]


class _ApproxSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return sign(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grads[0] * (2 - 2 * x.abs()).clamp_(min=0)


def approx_sign(x: Tensor) -> Tensor:
    """Return sign(x) with the gradient of a piecewise polynomial.

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy max(0, 2 - 2|x|), the derivative of 2x + x^2 on
    [-1, 0) and 2x - x^2 on [0, 1).

    Source: Liu et al., Bi-Real Net (ECCV 2018), eq. 7-8.
    """
    return _ApproxSign.apply(x)
