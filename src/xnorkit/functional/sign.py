"""The sign without a zero, and its straight-through estimator (STE)."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["sign", "sign_ste"]


def sign(x: Tensor) -> Tensor:
    """Return +1 where x >= 0 and -1 elsewhere, of the shape, dtype and device of `x`.

    sign(0) = sign(-0) = +1, so that every value fits in one bit. A comparison with NaN is false: sign(NaN) = -1. The
    result has no gradient; see `sign_ste`.

    Examples:
        >>> sign(torch.tensor([-2.0, 0.0, 0.5]))
        tensor([-1.,  1.,  1.])
    """
    return _sign_(x.detach().clone())


def _sign_(x: Tensor) -> Tensor:
    """Overwrite `x` with its sign and return it; a temporary tensor would cost more than the sign itself."""
    return x.ge_(0).mul_(2).sub_(1)


class _SignSTE(torch.autograd.Function):
    """Keeps one bool per element for the backward pass instead of the activations."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, clip: float) -> Tensor:
        y = x.abs()
        ctx.save_for_backward(y.lt_(clip).to(torch.bool))
        return _sign_(y.copy_(x))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (inside,) = ctx.saved_tensors
        return grads[0] * inside, None


def sign_ste(x: Tensor, clip: float = 1.0) -> Tensor:
    """Return sign(x) with a gradient that passes straight through where |x| < clip.

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy * 1(|x| < clip); where x is NaN the gradient is 0.

    Args:
        x: float tensor of any shape.
        clip: bound of |x|, positive; `math.inf` lets every finite x pass.

    Source: Hubara et al., Binarized Neural Networks (2016), eq. 4, with the strict inequality of XNOR-Net's code.
    """
    return _SignSTE.apply(x, clip)
