"""Activation binarizers that differ in the gradient that stands for that of the sign."""

import math

from torch import Tensor

from xnorkit.functional import sign_ste
from xnorkit.ops._layer import positive
from xnorkit.ops.base import ActivationBinarizer

__all__ = ["BasicInputBinarizer"]


class BasicInputBinarizer(ActivationBinarizer):
    """Takes the sign; the gradient passes straight through where |x| < clip.

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy 1(|x| < clip).
    On bits: yes.

    Args:
        clip: bound of |x|, above 0; None lets every gradient pass.

    Source: Hubara et al., Binarized Neural Networks (NeurIPS 2016), eq. 4, with the strict inequality of XNOR-Net's
    code.
    """

    def __init__(self, clip: float | None = 1.0) -> None:
        super().__init__()
        self.clip = math.inf if clip is None else positive("BasicInputBinarizer", "clip", clip)

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return sign_ste(x, self.clip)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"clip={self.clip}"
