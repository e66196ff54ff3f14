"""The sign without a zero, and its straight-through estimator (STE)."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["StraightThrough", "sign", "sign_ste"]


def sign(x: Tensor) -> Tensor:
    """Return +1 where x >= 0 and -1 elsewhere, with the shape, dtype and device of `x`.

    sign(0) = sign(-0) = +1, so that every value fits in one bit. A comparison with NaN is false, hence sign(NaN) = -1.
    The result has no gradient; see `sign_ste`.

    Examples:
        >>> sign(torch.tensor([-2.0, 0.0, 0.5]))
        tensor([-1.,  1.,  1.])
    """
    return _sign_(x.detach().clone())


def _sign_(x: Tensor) -> Tensor:
    """Overwrite `x` with its sign and return it; a temporary tensor would cost more than the sign itself."""
    return x.ge_(0).mul_(2).sub_(1)


class StraightThrough(torch.autograd.Function):
    """Passes the gradient of the first argument where the mask is true that `forward` saves, one bool per element."""

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the masked gradient, and None for every other argument."""
        (inside,) = ctx.saved_tensors
        return grads[0] * inside, *(None,) * (len(ctx.needs_input_grad) - 1)


class _SignSTE(StraightThrough):
    @staticmethod
    def forward(ctx: Any, x: Tensor, clip: float) -> Tensor:
        y = x.abs()
        ctx.save_for_backward(y.lt_(clip).to(torch.bool))
        return _sign_(y.copy_(x))


def sign_ste(x: Tensor, clip: float = 1.0) -> Tensor:
    """Return sign(x) with a gradient that passes straight through where |x| < clip.

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy * 1(|x| < clip), which is 0 where x is NaN.

    Args:
        x: float tensor of any shape.
        clip: the positive bound of |x|; with `math.inf` the gradient passes for every finite x.

    Source: Hubara et al., Binarized Neural Networks (2016), eq. 4, with the strict inequality of XNOR-Net's code.
    """
    return _SignSTE.apply(x, clip)
