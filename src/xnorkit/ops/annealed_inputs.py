"""Activation binarizers whose gradient sharpens as training proceeds."""

from collections.abc import Callable

import torch
from torch import Tensor

from xnorkit.errors import InputError
from xnorkit.functional.surrogates import sign_like, tanh_sign
from xnorkit.ops._annealed import Annealed, ErrorDecay
from xnorkit.ops._layer import positive
from xnorkit.ops.base import ActivationBinarizer

__all__ = ["AdvancedInputBinarizer", "AdvancedNoisyInputBinarizer", "EDEInputBinarizer"]


class AdvancedInputBinarizer(Annealed, ActivationBinarizer):
    """Takes the sign; the gradient is that of a function of t x, tanh by default.

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy t f'(t x), with t (1 - tanh(t x)^2) for tanh. It keeps
    no more than f does; tanh keeps its result. Progress p sets t to t_0 (t_end/t_0)^p if `t_end` is given.
    On bits: yes.

    Args:
        derivative_funct: f, a differentiable elementwise function of a tensor.
        t: the sharpness, above 0.
        t_end: the sharpness at the end of training, above 0; None keeps t.

    Attributes:
        t: the current sharpness, a buffer.

    Source: the package `bnn` (github.com/1adrianb/binary-networks-pytorch), which takes the sign under no_grad, so that
    x gets no gradient. Here f determines only the gradient, and y is the sign of x for every f.
    """

    t: Tensor

    def __init__(
        self, derivative_funct: Callable[[Tensor], Tensor] = torch.tanh, t: float = 5, t_end: float | None = None
    ) -> None:
        super().__init__()
        self.derivative_funct = derivative_funct
        self.t_start = positive(type(self).__name__, "t", t)
        self.t_end = self.t_start if t_end is None else positive(type(self).__name__, "t_end", t_end)
        self.register_buffer("t", torch.tensor(float(t)))

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return sign_like(x.detach(), self.derivative_funct(x * self.t.to(x.dtype)))

    def _anneal(self, fraction: float) -> None:
        self.t.fill_(self.t_start * (self.t_end / self.t_start) ** fraction)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        name = getattr(self.derivative_funct, "__name__", repr(self.derivative_funct))
        return f"derivative_funct={name}, t={self.t_start:g}, t_end={self.t_end:g}"


class AdvancedNoisyInputBinarizer(AdvancedInputBinarizer):
    """Takes the sign of the input, plus noise in training; the gradient is that of a function of t u.

    Forward: in training u = x + noise * (max x - min x) * e/2, with e standard normal and max and min over the whole
    tensor; in evaluation u = x; y = +1 for u >= 0, else -1.
    Backward: dC/dx = (1 - noise) dC/dy t f'(t u) in training, without the factor 1 - noise in evaluation.
    On bits: yes, in evaluation.

    Args:
        derivative_funct, t, t_end: as in `AdvancedInputBinarizer`.
        noise: the fraction of noise, from 0 to 1.

    Raises:
        InputError: for a fraction outside that range.

    Source: a fork of the package `bnn` (github.com/xaosina/binary-networks-pytorch), where x = 0.7 x + 0.3 (x + noise)
    and the second x has no gradient; it also takes the sign under no_grad.
    """

    def __init__(
        self,
        derivative_funct: Callable[[Tensor], Tensor] = torch.tanh,
        t: float = 1,
        t_end: float | None = None,
        noise: float = 0.3,
    ) -> None:
        super().__init__(derivative_funct, t, t_end)
        if not 0 <= noise <= 1:
            raise InputError(f"AdvancedNoisyInputBinarizer: noise={noise}, but it must be from 0 to 1.")
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        if self.training:
            with torch.no_grad():
                spread = (x.amax() - x.amin()) * (self.noise / 2)
                kept = self.noise * x + spread * torch.randn_like(x)
            x = (1 - self.noise) * x + kept
        return super().forward(x)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"{super().extra_repr()}, noise={self.noise}"


class EDEInputBinarizer(ErrorDecay, ActivationBinarizer):
    """Takes the sign; the gradient is that of k tanh(t x), wide at first, sharp at the end (error decay estimator).

    Forward: y = +1 for x >= 0, else -1. Backward: dC/dx = dC/dy k t (1 - tanh(t x)^2). Progress p sets
    t = t_min (t_max/t_min)^p and k = max(1/t, 1). The backward pass keeps x alone.
    On bits: yes.

    Args:
        t_min, t_max: t at the start and the end of training, above 0.

    Attributes:
        t, k: the current values, which are buffers.

    Source: Qin et al., IR-Net: Forward and Backward Information Retention (CVPR 2020), with its values 0.1 and 10.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return tanh_sign(x, self.t, self.k)
