"""`BinActive` of XNOR-Net-PyTorch: the sign of the activations, with its straight-through gradient."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["BinActive"]


class _BinActive(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x.ge(1) | x.le(-1))
        return x.sign()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (outside,) = ctx.saved_tensors
        return grads[0].masked_fill(outside, 0)


class BinActive:
    """Binarizes activations; `BinActive()(x)`, the call of the reference, and `BinActive.apply(x)` are equal.

    Forward: y = torch.sign(x), with sign(0) = 0 as in the reference; `xnorkit.functional.sign_ste` has sign(0) = +1,
    which one bit can hold. Backward: dC/dx = dC/dy where -1 < x < 1, else 0, for which one bool per element is kept.

    It is not a module, because it has no parameters and `nn.Module.apply` has another meaning.

    Source: jiecaoyu/XNOR-Net-PyTorch, without its unused mean over the channels.
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the sign of `x`, of the same shape and dtype."""
        return _BinActive.apply(x)

    @staticmethod
    def apply(x: Tensor) -> Tensor:
        """Return the sign of `x`, of the same shape and dtype."""
        return _BinActive.apply(x)
