"""Fully connected layer of signs."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit import _engine
from xnorkit.errors import InputError
from xnorkit.nn._checks import check_dot_length, check_float, check_sizes
from xnorkit.nn._latent import XNOR, LatentWeight, Operation
from xnorkit.nn._packed import ConvOfSigns, packed_conv
from xnorkit.nn._scaled import scaled_linear
from xnorkit.nn.bconfig import BConfig

__all__ = ["BinaryLinear"]


class BinaryLinear(LatentWeight, nn.Linear):
    """Multiplies sign(x) with sign(W), then scales and shifts: (..., in_features) -> (..., out_features).

    Forward: y = (sign(x) sign(W)^T) * alpha + bias, with alpha (out_features,) = mean |W| per row. The product is a sum
    of +1 and -1, an integer that float32 holds exactly. Autocast is off inside, and the result has the dtype of the
    weight. The gradient and the meaning of `bconfig` are as in `BinaryConv2d`.

    Args:
        in_features, out_features, bias, device, dtype: as in `torch.nn.Linear`.
        scale: False omits alpha.
        bconfig: processes other than the XNOR-Net ones above, see `BConfig`.

    Raises:
        InputError: for zero inputs or outputs, more than 2^24 inputs, or an input of wrong size or dtype.

    Examples:
        >>> BinaryLinear(800, 500)(torch.randn(1, 800)).shape
        torch.Size([1, 500])

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 11, without the input scales.
    """

    FLOAT_MODULE = nn.Linear
    SPATIAL_DIMS = 0

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        scale: bool = True,
        bconfig: BConfig | None = None,
    ) -> None:
        check_sizes("BinaryLinear", 1, in_features=in_features, out_features=out_features)
        check_dot_length("BinaryLinear", in_features)
        super().__init__(in_features, out_features, bias, device=device, dtype=dtype)
        self.scale = scale
        self._install(XNOR if bconfig is None else bconfig)

    def forward(self, x: Tensor) -> Tensor:
        """Return y (..., out_features)."""
        check_float("BinaryLinear", x)
        if x.dim() == 0 or x.shape[-1] != self.in_features:
            raise InputError(
                f"BinaryLinear: input has shape {tuple(x.shape)}, but it must be (..., {self.in_features}). "
                "Flatten images with torch.nn.Flatten() first."
            )
        return self._process(x, F.linear)

    def _dot(self, s: Tensor, b: Tensor, scale: Tensor | None, operation: Operation) -> Tensor:
        return super()._dot(s, b, scale, operation) if scale is None else scaled_linear(s, b, scale)

    def _geometry_reason(self) -> str | None:
        return None

    def _fits_bits(self, x: Tensor) -> bool:
        return x.dim() >= 2 and max(x.numel() // self.in_features, self.out_features) <= _engine.MAX_SUM_TERMS

    def _packed(self, u: Tensor, clip: float, drop: float, b: Tensor, scale: Tensor | None) -> Tensor:
        rows = u.reshape(-1, self.in_features)
        # A 1x1 convolution of columns of rows: the engine's threads share images, and its tiles are of four pixels.
        column = next(size for size in (16, 8, 4, 2, 1) if len(rows) % size == 0)
        images = rows.reshape(-1, column, 1, self.in_features).permute(0, 3, 1, 2)
        y = packed_conv(images, b[:, :, None, None], scale, self.bias, clip, drop, ConvOfSigns())
        return y.permute(0, 2, 3, 1).reshape(*u.shape[:-1], self.out_features)

    def _layer_reason(self) -> str | None:
        return None
