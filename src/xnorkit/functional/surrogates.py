"""The sign with gradients other than the straight-through estimator."""

from typing import Any

import torch
from torch import Tensor

from xnorkit.functional.sign import StraightThrough, sign

__all__ = ["approx_sign", "sign_like", "stochastic_sign", "swish_sign", "tanh_sign"]


class _ApproxSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return sign(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return x.abs().mul_(-2).add_(2).clamp_(min=0).mul_(grads[0])  # one temporary tensor


def approx_sign(x: Tensor) -> Tensor:
    """Return sign(x) with the gradient of a piecewise polynomial.

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy max(0, 2 - 2|x|), the derivative of 2x + x^2 on
    [-1, 0) and 2x - x^2 on [0, 1).

    Source: Liu et al., Bi-Real Net (ECCV 2018), section 3.3.
    """
    return _ApproxSign.apply(x)


class _SwishSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, beta: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.beta = beta
        return sign(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        z = (ctx.beta * x).clamp(-80, 80)  # the slope is below 1e-32 outside; this avoids infinities
        # 1 / (1 + cosh z) = 2 / (e^(z/2) + e^(-z/2))^2 = 2 sigmoid(z) sigmoid(-z), which cannot overflow.
        slope = (2 - z * (z / 2).tanh()) * (2 * ctx.beta) * z.sigmoid() * (-z).sigmoid()
        return grads[0] * slope, None


def swish_sign(x: Tensor, beta: float = 5.0) -> Tensor:
    """Return sign(x) with the gradient of SignSwish.

    Forward: y = +1 for x >= 0, else -1. Backward, with z = beta x:
    dC/dx = dC/dy beta (2 - z tanh(z/2)) / (1 + cosh z), the derivative of
    2 sigmoid(z) (1 + z (1 - sigmoid(z))) - 1. It is negative where |z| > 2.4.

    Source: Darabi et al., BNN+: Improved Binary Network Training (2018).
    """
    return _SwishSign.apply(x, beta)


class _TanhSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, t: Tensor, k: Tensor) -> Tensor:
        ctx.save_for_backward(x, t, k)
        return sign(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        x, t, k = ctx.saved_tensors
        return (t * x).tanh_().square_().neg_().add_(1).mul_(k * t).mul_(grads[0]), None, None


def tanh_sign(x: Tensor, t: Tensor, k: Tensor) -> Tensor:
    """Return sign(x) with the gradient of k tanh(t x).

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy k t (1 - tanh(t x)^2). `t` and `k` are tensors of one
    number and get no gradient.

    Source: Qin et al., IR-Net (CVPR 2020), the error decay estimator.
    """
    return _TanhSign.apply(x, t, k)


class _StochasticSign(StraightThrough):
    @staticmethod
    def forward(ctx: Any, x: Tensor, noise: Tensor) -> Tensor:
        ctx.save_for_backward(x.abs() < 1)
        return (x >= noise).to(x.dtype).mul_(2).sub_(1)


def stochastic_sign(x: Tensor, noise: Tensor) -> Tensor:
    """Return +1 where x >= noise and -1 elsewhere, with the gradient of the expectation.

    With noise uniform in [-1, 1), P(y = +1) = clip((x + 1)/2, 0, 1), so E[y] = clip(x, -1, 1). Backward:
    dC/dx = dC/dy 1(|x| < 1), for which one bool per element is kept.

    Source: Courbariaux et al., BinaryNet (2016), eq. 2, applied to activations.
    """
    return _StochasticSign.apply(x, noise)


class _SignLike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, surrogate: Tensor) -> Tensor:
        return sign(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor]:
        return None, grads[0]


def sign_like(x: Tensor, surrogate: Tensor) -> Tensor:
    """Return sign(x) with the gradient of `surrogate`, a differentiable function of x of the same shape.

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dsurrogate = dC/dy, which keeps no more than `surrogate` does.
    """
    return _SignLike.apply(x, surrogate)
