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
    """Binarizes activations; `BinActive()(x)`, as the reference calls it, and `BinActive.apply(x)` do the same.

    Forward: y = torch.sign(x), with sign(0) = 0 as in the reference; `xnorkit.functional.sign_ste` has sign(0) = +1,
    which one bit can hold. Backward: dC/dx = dC/dy where -1 < x < 1, else 0. One bool per element is kept for the
    backward pass, not the activations.

    Not a module: it has no parameters, and `nn.Module.apply` means something else.

    Source: jiecaoyu/XNOR-Net-PyTorch; its unused mean over the channels is left out.
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the sign of `x`, of the same shape and dtype."""
        return _BinActive.apply(x)

    @staticmethod
    def apply(x: Tensor) -> Tensor:
        """Return the sign of `x`, of the same shape and dtype."""
        return _BinActive.apply(x)
