"""Activation binarizers that move the point where the sign changes."""

from typing import Literal

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import sign_ste
from xnorkit.functional.surrogates import approx_sign
from xnorkit.ops._layer import channel_shape, in_channels, match_rank, spatial_dims
from xnorkit.ops.base import ActivationBinarizer

__all__ = ["InputBiasBinarizer"]


class InputBiasBinarizer(ActivationBinarizer):
    """Takes the sign of the input plus a learned shift per channel (RSign of ReActNet).

    Forward: u = x + b_c, y = +1 for u >= 0, else -1; b starts at 0.
    Backward: dC/dx = dC/dy s(u), dC/db_c = the sum of dC/dx over all but the channels; s(u) = (2 - 2|u|) 1(|u| < 1)
    for `approx`, 1(|u| < 1) for `ste`.
    On bits: yes, b moves the threshold.

    Args:
        layer: the layer that it serves; gives the number of channels and where they stand.
        gradient: `approx`, as ReActNet trains, or `ste`.

    Attributes:
        bias: b, (1, C, 1, 1) for a Conv2d, (1, C) for a Linear.

    Source: Liu et al., ReActNet (ECCV 2020), eq. 4, whose alpha is -b; its code trains with the gradient of Bi-Real Net.
    """

    def __init__(self, layer: nn.Module, gradient: Literal["approx", "ste"] = "approx") -> None:
        super().__init__()
        if gradient not in ("approx", "ste"):
            raise InputError(f"gradient={gradient!r}; required: 'approx' or 'ste'.")
        self.gradient = gradient
        self.bias = nn.Parameter(torch.zeros(channel_shape(in_channels(layer), spatial_dims(layer))))

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`: (N, C, ...) or (C, ...), and (..., C) behind a Linear."""
        shifted = x + match_rank(self.bias, x)
        return approx_sign(shifted) if self.gradient == "approx" else sign_ste(shifted)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"{self.bias.numel()}, gradient={self.gradient!r}"
