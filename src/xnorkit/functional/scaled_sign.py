"""The scaled sign of XNOR-Net, alpha * sign(W), with its exact gradient."""

from typing import Any

import torch
from torch import Tensor

from xnorkit.functional.sign import sign

__all__ = ["mean_abs", "scaled_sign"]


def mean_abs(w: Tensor) -> Tensor:
    """Return alpha, the mean of |W| over each output filter: (O, ...) -> (O,).

    alpha = ||W||_1 / n with n weights per filter; dalpha/dW_i = sign(W_i) / n, where sign(0) = +1.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 6.
    """
    # |w| = w * sign(w) exactly; written so that its derivative at 0 is sign(0) = +1, as in `scaled_sign`.
    return (w * sign(w)).flatten(1).mean(1)


class _ScaledSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, w: Tensor) -> Tensor:
        ctx.save_for_backward(w)
        return _per_filter(mean_abs(w), w) * sign(w)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (w,) = ctx.saved_tensors
        g, s = grads[0], sign(w)
        # dW~_j/dW_i = sign(W_j) dalpha/dW_i + alpha 1(i = j) sign'(W_i), with dalpha/dW_i = sign(W_i) / n.
        through_alpha = s * _per_filter((g * s).flatten(1).mean(1), w)
        through_sign = _per_filter(mean_abs(w), w) * g * (w.abs() < 1)
        return through_alpha + through_sign


def scaled_sign(w: Tensor) -> Tensor:
    """Return W~ = alpha * sign(W), with alpha = mean |W| per output filter (dimension 0).

    With g = dC/dW~ and n weights per filter, the gradient is
    dC/dW_i = (1/n) sign(W_i) sum_j g_j sign(W_j) + alpha g_i 1(|W_i| < 1), the sum running over the filter of i.

    Args:
        w: float weights (O, ...), at least two dimensions.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 5-6. The paper prints g_i (1/n + alpha sign'(W_i)), which keeps
    only the term j = i of the sum; here the whole sum is used.
    """
    return _ScaledSign.apply(w)


def _per_filter(v: Tensor, w: Tensor) -> Tensor:
    """Return v (O,) shaped (O, 1, ..., 1), so that it broadcasts over the filters of w."""
    return v.reshape(-1, *(1,) * (w.dim() - 1))
