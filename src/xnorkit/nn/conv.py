"""Two-dimensional convolution of signs."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import mean_abs, sign_ste
from xnorkit.nn._latent import LatentWeight, check_dot_length, check_float, full_precision, working_dtype

__all__ = ["BinaryConv2d"]


class BinaryConv2d(LatentWeight, nn.Conv2d):
    """Convolves sign(x) with sign(W), then scales and shifts: (N, C_in, H, W) -> (N, C_out, H_out, W_out).

    Forward: y = conv(sign(x), sign(W)) * alpha + bias, with alpha (C_out,) = mean |W| per filter. The convolution is a
    sum of +1 and -1, an integer that float32 holds exactly; a padded position contributes 0. Autocast is off inside,
    and the result has the dtype of the weight.
    Gradient: straight through both signs where |.| < 1 (`sign_ste`), and through alpha; for W this equals the gradient
    of a convolution with `scaled_sign(W)`.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device, dtype: as in
            `torch.nn.Conv2d`.
        padding_mode: "zeros" only: the padding stands after the sign, where 0 is the one value with an exact meaning.
        scale: False leaves alpha out.

    Raises:
        InputError: for another padding mode, more than 2^24 weights per filter, or an input of wrong rank, channel
            count or dtype.

    Example:
        >>> BinaryConv2d(64, 128, 3, padding=1)(torch.randn(1, 64, 14, 14)).shape
        torch.Size([1, 128, 14, 14])

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 11, without the map K of input scales.
    """

    def __init__(  # noqa: PLR0917 - the signature of torch.nn.Conv2d
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        scale: bool = True,
    ) -> None:
        if padding_mode != "zeros":
            raise InputError(
                f"BinaryConv2d: padding_mode={padding_mode!r}; required: 'zeros'. Pad in a layer before this one."
            )
        try:
            super().__init__(
                in_channels=in_channels,
                out_channels=out_channels,
                kernel_size=kernel_size,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
                bias=bias,
                device=device,
                dtype=dtype,
            )
        except ValueError as error:
            raise InputError(f"BinaryConv2d: {error}; required: arguments that torch.nn.Conv2d accepts.") from error
        check_dot_length("BinaryConv2d", self.weight[0].numel())
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Return y (N, C_out, H_out, W_out), or (C_out, H_out, W_out) for one image without a batch."""
        check_float("BinaryConv2d", x)
        if x.dim() not in (3, 4) or x.shape[-3] != self.in_channels:
            raise InputError(
                f"BinaryConv2d: input has shape {tuple(x.shape)}; required: (N, {self.in_channels}, H, W) or "
                f"({self.in_channels}, H, W)."
            )
        with full_precision(x):
            dtype = working_dtype(self.weight)
            w = self.weight.to(dtype)
            dot = F.conv2d(
                sign_ste(x.to(dtype)), sign_ste(w), None, self.stride, self.padding, self.dilation, self.groups
            )
            return self.scale_and_shift(dot).to(self.weight.dtype)

    def scale_and_shift(self, dot: Tensor) -> Tensor:
        """Return dot * alpha + bias for integers (..., C_out, H_out, W_out), each operation rounded on its own."""
        if self.scale:
            dot = dot * mean_abs(self.weight.to(dot.dtype))[:, None, None]
        return dot if self.bias is None else dot + self.bias.to(dot.dtype)[:, None, None]

    def extra_repr(self) -> str:
        """Return the arguments that differ from the defaults, for print(layer)."""
        return super().extra_repr() + ("" if self.scale else ", scale=False")
