"""Functions whose learned parameters shape the activation: ReActNet's RSign and RPReLU, AdaBin's binary set."""

from typing import Any

import torch
from torch import Tensor

from xnorkit.functional.sign import sign

__all__ = ["adaptive_sign", "rprelu", "shifted_sign"]


class _ShiftedSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, bias)
        return sign(x + bias).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        x, bias = ctx.saved_tensors
        through = (x + bias).abs_().mul_(-2).add_(2).clamp_(min=0).mul_(grads[0])  # one temporary tensor
        return through.to(x.dtype), through.sum_to_size(bias.shape).to(bias.dtype)


def shifted_sign(x: Tensor, bias: Tensor) -> Tensor:
    """Return sign(x + b) with the gradient of `approx_sign`.

    Forward: u = x + b, y = +1 for u >= 0, else -1. Backward: dC/dx = dC/dy max(0, 2 - 2|u|), dC/db = the sum of dC/dx.
    The backward pass keeps x but not u.

    Args:
        x: float tensor of any shape.
        bias: b, of a shape that broadcasts against `x`.

    Source: Liu et al., ReActNet (ECCV 2020), whose alpha is -b.
    """
    return _ShiftedSign.apply(x, bias)


class _AdaptiveSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        ctx.save_for_backward(x, alpha, beta)
        return (beta + alpha * sign((x - beta) / alpha)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, alpha, beta = ctx.saved_tensors
        g, u = grads[0], (x - beta) / alpha
        h = (2 - 2 * u.abs()).clamp(min=0)
        # du/dx = 1/alpha, du/dbeta = -1/alpha, du/dalpha = -u/alpha, each times alpha h.
        return (
            (g * h).to(x.dtype),
            (g * (sign(u) - u * h)).sum_to_size(alpha.shape).to(alpha.dtype),
            (g * (1 - h)).sum_to_size(beta.shape).to(beta.dtype),
        )


def adaptive_sign(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Return beta + alpha where (x - beta)/alpha >= 0, and beta - alpha elsewhere.

    Forward: y = beta + alpha sign(u), u = (x - beta)/alpha. Backward, with h(u) = max(0, 2 - 2|u|):
    dC/dx = dC/dy h(u); dC/dalpha = sum of dC/dy (sign(u) - u h(u)); dC/dbeta = sum of dC/dy (1 - h(u)).
    The backward pass keeps x alone.

    Args:
        x: float tensor of any shape.
        alpha: half the distance between the two values, not 0, of a shape that broadcasts against `x`.
        beta: the centre of the two values, of such a shape.

    Source: Tu et al., AdaBin (ECCV 2022), with the gradient h that its code takes from Bi-Real Net. That code
    returns alpha (sign(u) + beta); this function uses the set {beta - alpha, beta + alpha}, as in the paper.
    """
    return _AdaptiveSign.apply(x, alpha, beta)


class _RPReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, gamma: Tensor, beta: Tensor, zeta: Tensor) -> Tensor:
        ctx.save_for_backward(y, gamma, beta)
        ctx.zeta_shape = zeta.shape
        u = y - gamma
        return u.clamp(min=0).add_(u.clamp_(max=0).mul_(beta)).add_(zeta)  # one term is 0; no branches

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        y, gamma, beta = ctx.saved_tensors
        g, u = grads[0], y - gamma
        above = torch.ops.aten.threshold_backward(g, u, 0)  # g where u > 0, else 0
        through = (g - above).mul_(beta).add_(above)
        return (
            through.to(y.dtype),
            -through.sum_to_size(gamma.shape),
            u.clamp_(max=0).mul_(g).sum_to_size(beta.shape),
            g.sum_to_size(ctx.zeta_shape),
        )


def rprelu(y: Tensor, gamma: Tensor, beta: Tensor, zeta: Tensor) -> Tensor:
    """Return z = u + zeta where u > 0, beta u + zeta elsewhere, u = y - gamma: a PReLU with its bend at (gamma, zeta).

    Backward, with g = dC/dz: dC/dy = g where u > 0, beta g elsewhere; dC/dgamma = -sum dC/dy;
    dC/dbeta = sum of g min(u, 0); dC/dzeta = sum g. The backward pass keeps y alone.

    Args:
        y: float tensor of any shape.
        gamma: the input at the bend, of a shape that broadcasts against `y`.
        beta: the slope below the bend, of such a shape.
        zeta: the output at the bend, of such a shape.

    Source: Liu et al., ReActNet (ECCV 2020).
    """
    return _RPReLU.apply(y, gamma, beta, zeta)
