"""Activation binarizers with parameters or scales: RSign, AdaBin, and the magnitude-aware sign."""

from typing import Literal

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import sign_ste
from xnorkit.functional.adaptive import adaptive_sign, shifted_sign
from xnorkit.ops._layer import channel_shape, in_channels, match_rank, positive, spatial_dims
from xnorkit.ops.base import ActivationBinarizer

__all__ = ["AdaBinInputBinarizer", "InputBiasBinarizer", "MagnitudeAwareSignBinarizer"]

NONNEGATIVE_START = -1e-3


class InputBiasBinarizer(ActivationBinarizer):
    """Takes the sign of the input plus a learned shift per channel (RSign of ReActNet).

    Forward: u = x + b_c, y = +1 for u >= 0, else -1; b starts at 0.
    Backward: dC/dx = dC/dy s(u), dC/db_c = the sum of dC/dx over all but the channels; s(u) = (2 - 2|u|) 1(|u| < 1)
    for `approx`, 1(|u| < 1) for `ste`. The backward pass keeps x for `approx`, one bool per element for `ste`.
    On bits: yes, b moves the threshold.

    Args:
        layer: the layer that it serves, which determines the number of channels and their axis.
        gradient: `approx`, as in ReActNet, or `ste`.

    Attributes:
        bias: b, (1, C, 1, 1) for a Conv2d, (1, C) for a Linear.

    Source: Liu et al., ReActNet (ECCV 2020), whose alpha is -b; its code trains with the gradient of Bi-Real.
    """

    def __init__(self, layer: nn.Module, gradient: Literal["approx", "ste"] = "approx") -> None:
        super().__init__()
        if gradient not in ("approx", "ste"):
            raise InputError(f"gradient={gradient!r}, but it must be 'approx' or 'ste'.")
        self.gradient = gradient
        self.bias = nn.Parameter(torch.zeros(channel_shape(in_channels(layer), spatial_dims(layer))))

    @torch.no_grad()
    def start_below_zero_(self) -> None:
        """Set shifts that are all 0 to -0.001, for inputs that are never negative and whose signs would all be +1."""
        if not self.bias.is_meta and not self.bias.any():
            self.bias.fill_(NONNEGATIVE_START)

    @torch.no_grad()
    def center_(self, x: Tensor) -> None:
        """Set b_c to minus the mean of channel c of `x`, an input as of `forward`, so that both signs occur."""
        bias = match_rank(self.bias, x)
        extra = x.dim() - bias.dim()
        axes = [*range(extra), *(extra + axis for axis, size in enumerate(bias.shape) if size == 1)]
        bias.copy_(-(x.mean(axes, keepdim=True) if axes else x).view_as(bias))

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`: (N, C, ...) or (C, ...), or (..., C) for a Linear."""
        bias = match_rank(self.bias, x)
        return shifted_sign(x, bias) if self.gradient == "approx" else sign_ste(x + bias).to(x.dtype)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"{self.bias.numel()}, gradient={self.gradient!r}"


class AdaBinInputBinarizer(ActivationBinarizer):
    """Takes the nearer of two learned values, beta - alpha and beta + alpha.

    Forward: y = beta + alpha sign(u), u = (x - beta)/alpha; alpha starts at 1 and beta at 0.
    Backward, with h(u) = max(0, 2 - 2|u|): dC/dx = dC/dy h(u), dC/dalpha = sum of dC/dy (sign(u) - u h(u)),
    dC/dbeta = sum of dC/dy (1 - h(u)). The backward pass keeps x alone.
    On bits: no, its values are beta - alpha and beta + alpha.

    Attributes:
        alpha, beta: one number each for the whole layer.

    Source: Tu et al., AdaBin (ECCV 2022). Its code returns alpha (sign(u) + beta); this class follows the paper.
    """

    bit_reason = "its values are beta - alpha and beta + alpha, not -1 and +1"

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(()))
        self.beta = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return adaptive_sign(x, self.alpha, self.beta)


class MagnitudeAwareSignBinarizer(ActivationBinarizer):
    """Scales the sign by the mean magnitude of its channel; the gradient passes straight through where |x| < clip.

    Forward: y = a_c sign(x), a_c = mean |x| over all but the channels, the batch included. Backward:
    dC/dx = dC/dy a_c 1(|x| < clip), where a_c is treated as a constant. One bool per element and a_c are kept.
    On bits: no, its values are -a_c and a_c.

    Args:
        layer: the layer that it serves, which determines the axis of the channels; None means dimension 1.
        clip: the bound of |x|, above 0.

    Source: Larq's quantizer MagnitudeAwareSign, after Bi-Real Net (ECCV 2018), section 3.3, which scales weights in
    this way; see `MagnitudeAwareWeightBinarizer`.
    """

    bit_reason = "it multiplies the signs by the mean magnitude of their channel, a float of each batch"

    def __init__(self, layer: nn.Module | None = None, clip: float = 1.0) -> None:
        super().__init__()
        self.channel = 1 if layer is None else -1 - spatial_dims(layer)
        self.clip = positive("MagnitudeAwareSignBinarizer", "clip", clip)

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        others = [i for i in range(x.dim()) if i != self.channel % x.dim()]
        return sign_ste(x, self.clip) * x.detach().abs().mean(others, keepdim=True)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"clip={self.clip}"
