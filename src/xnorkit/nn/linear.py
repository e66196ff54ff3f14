"""Fully connected layer of signs."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import mean_abs, sign_ste
from xnorkit.nn._latent import LatentWeight, check_dot_length, check_float, full_precision, working_dtype

__all__ = ["BinaryLinear"]


class BinaryLinear(LatentWeight, nn.Linear):
    """Multiplies sign(x) with sign(W), then scales and shifts: (..., in_features) -> (..., out_features).

    Forward: y = (sign(x) sign(W)^T) * alpha + bias, with alpha (out_features,) = mean |W| per row. The product is a sum
    of +1 and -1, an integer that float32 holds exactly. Autocast is off inside, and the result has the dtype of the
    weight. Gradient: as in `BinaryConv2d`.

    Args:
        in_features, out_features, bias, device, dtype: as in `torch.nn.Linear`.
        scale: False leaves alpha out.

    Raises:
        InputError: for more than 2^24 inputs, or an input of wrong size or dtype.

    Example:
        >>> BinaryLinear(800, 500)(torch.randn(1, 800)).shape
        torch.Size([1, 500])

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 11, without the input scales.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        scale: bool = True,
    ) -> None:
        check_dot_length("BinaryLinear", in_features)
        super().__init__(in_features, out_features, bias, device=device, dtype=dtype)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Return y (..., out_features)."""
        check_float("BinaryLinear", x)
        if x.dim() == 0 or x.shape[-1] != self.in_features:
            raise InputError(
                f"BinaryLinear: input has shape {tuple(x.shape)}; required: (..., {self.in_features}). "
                "Flatten images with torch.nn.Flatten() first."
            )
        with full_precision(x):
            dtype = working_dtype(self.weight)
            w = self.weight.to(dtype)
            dot = F.linear(sign_ste(x.to(dtype)), sign_ste(w))
            return self.scale_and_shift(dot).to(self.weight.dtype)

    def scale_and_shift(self, dot: Tensor) -> Tensor:
        """Return dot * alpha + bias for integers (..., out_features), each operation rounded on its own."""
        if self.scale:
            dot = dot * mean_abs(self.weight.to(dot.dtype))
        return dot if self.bias is None else dot + self.bias.to(dot.dtype)

    def extra_repr(self) -> str:
        """Return the arguments, for print(layer)."""
        return super().extra_repr() + ("" if self.scale else ", scale=False")
