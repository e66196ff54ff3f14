"""Activation binarizers that differ in the gradient that replaces the derivative of the sign."""

import math

import torch
from torch import Tensor

from xnorkit.functional import sign_ste
from xnorkit.functional.surrogates import approx_sign, stochastic_sign, swish_sign
from xnorkit.ops._layer import positive
from xnorkit.ops.base import ActivationBinarizer

__all__ = [
    "ApproxSignBinarizer",
    "BasicInputBinarizer",
    "ReCUInputBinarizer",
    "StochasticInputBinarizer",
    "SwishSignBinarizer",
]


class BasicInputBinarizer(ActivationBinarizer):
    """Takes the sign; the gradient passes straight through where |x| < clip.

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy 1(|x| < clip). One bool per element is kept.
    On bits: yes.

    Args:
        clip: the bound of |x|, above 0; with None every gradient passes.

    Source: Hubara et al., Binarized Neural Networks (NeurIPS 2016), eq. 4, with the strict inequality of XNOR-Net's
    code.
    """

    def __init__(self, clip: float | None = 1.0) -> None:
        super().__init__()
        self.clip = math.inf if clip is None else positive("BasicInputBinarizer", "clip", clip)

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return sign_ste(x, self.clip)

    def before_sign(self, x: Tensor) -> tuple[Tensor, float]:
        """Return x and the clip; for a subclass, return its own function of x without a clip."""
        return (x, self.clip) if type(self) is BasicInputBinarizer else super().before_sign(x)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"clip={self.clip}"


class ApproxSignBinarizer(ActivationBinarizer):
    """Takes the sign; the gradient is that of a piecewise polynomial, a triangle over [-1, 1].

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy max(0, 2 - 2|x|), for which x is kept.
    On bits: yes.

    Source: Liu et al., Bi-Real Net (ECCV 2018), section 3.3.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return approx_sign(x)


class ReCUInputBinarizer(ApproxSignBinarizer):
    """Takes the sign with the gradient of `ApproxSignBinarizer`, as ReCU does for activations.

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy max(0, 2 - 2|x|). ReCU's own contribution concerns the
    weights; see `ReCUWeightBinarizer`.
    On bits: yes.

    Source: Xu et al., ReCU: Reviving the Dead Weights in Binary Neural Networks (ICCV 2021), and its code.
    """


class SwishSignBinarizer(ActivationBinarizer):
    """Takes the sign; the gradient is that of SignSwish, which is negative away from 0.

    Forward: y = +1 for x >= 0, else -1. Backward, z = beta x: dC/dx = dC/dy beta (2 - z tanh(z/2)) / (1 + cosh z).
    The backward pass keeps x alone.
    On bits: yes.

    Args:
        beta: the slope, above 0; a larger one comes closer to the derivative of the sign.

    Source: Darabi et al., BNN+: Improved Binary Network Training (2018), with beta = 5.
    """

    def __init__(self, beta: float = 5.0) -> None:
        super().__init__()
        self.beta = positive("SwishSignBinarizer", "beta", beta)

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return swish_sign(x, self.beta)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"beta={self.beta}"


class StochasticInputBinarizer(ActivationBinarizer):
    """Draws the sign at random in training, +1 more often for larger x; takes the sign in evaluation.

    Forward: in training y = +1 with probability clip((x + 1)/2, 0, 1), else -1; in evaluation y = +1 for x >= 0, else
    -1. Backward: dC/dx = dC/dy 1(|x| < 1), the gradient of E[y] = clip(x, -1, 1). One bool per element is kept.
    On bits: yes, in evaluation.

    Source: Courbariaux et al., BinaryNet (2016), eq. 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return stochastic_sign(x, torch.rand_like(x) * 2 - 1) if self.training else sign_ste(x)
