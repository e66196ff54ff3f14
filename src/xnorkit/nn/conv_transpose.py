"""Transposed convolution of signs."""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.nn._checks import check_image, check_sizes
from xnorkit.nn._latent import XNOR, LatentWeight
from xnorkit.nn.bconfig import BConfig

__all__ = ["BinaryConvTranspose2d"]


class BinaryConvTranspose2d(LatentWeight, nn.ConvTranspose2d):
    """Transposed convolution of sign(x) with sign(W): (N, C_in, H, W) -> (N, C_out, H_out, W_out).

    Forward: y = conv_transpose(sign(x), sign(W)) * alpha + bias. W is (C_in, C_out / groups, kH, kW); weight processes
    see it as filters (C_out, C_in / groups, kH, kW), so that alpha (C_out,) is a mean per output channel here too.
    Gradient, precision and the meaning of `bconfig`: as in `BinaryConv2d`.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, output_padding, groups: as in `ConvTranspose2d`.
        bias, dilation, padding_mode, device, dtype: as in `torch.nn.ConvTranspose2d`.
        scale: False omits alpha.
        bconfig: processes other than the XNOR-Net ones above, see `BConfig`.

    Raises:
        InputError: for a size below 1 (a padding below 0), arguments that PyTorch refuses, or an input of wrong rank,
            channel count or dtype.

    Source: as `BinaryConv2d`; the paper gives no form for transposed convolutions, and the filter of an output channel
    is the natural group to share a scale.
    """

    FLOAT_MODULE = nn.ConvTranspose2d
    SPATIAL_DIMS = 2

    def __init__(  # noqa: PLR0917 - the signature of torch.nn.ConvTranspose2d
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        output_padding: int | tuple[int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, int] = 1,
        padding_mode: Literal["zeros"] = "zeros",
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        scale: bool = True,
        bconfig: BConfig | None = None,
    ) -> None:
        sizes = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
        check_sizes("BinaryConvTranspose2d", 1, in_channels=in_channels, out_channels=out_channels, **sizes)
        check_sizes("BinaryConvTranspose2d", 0, padding=padding, output_padding=output_padding)
        try:
            super().__init__(
                in_channels=in_channels,
                out_channels=out_channels,
                kernel_size=kernel_size,
                stride=stride,
                padding=padding,
                output_padding=output_padding,
                groups=groups,
                bias=bias,
                dilation=dilation,
                padding_mode=padding_mode,
                device=device,
                dtype=dtype,
            )
        except ValueError as error:
            raise InputError(
                f"BinaryConvTranspose2d: {error}. Pass arguments that torch.nn.ConvTranspose2d accepts."
            ) from error
        self.scale = scale
        self._install(XNOR if bconfig is None else bconfig)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return y (N, C_out, H_out, W_out); `output_size` as in `torch.nn.ConvTranspose2d`."""
        check_image("BinaryConvTranspose2d", x, self.in_channels, 2)
        kernel, stride, padding, dilation = map(list, (self.kernel_size, self.stride, self.padding, self.dilation))
        extra = self._output_padding(x, output_size, stride, padding, kernel, 2, dilation)  # type: ignore[arg-type]

        def operation(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
            return F.conv_transpose2d(x, w, bias, stride, padding, extra, self.groups, dilation)  # type: ignore[arg-type]

        return self._process(x, operation)

    def _filters(self, w: Tensor) -> Tensor:
        return self._swap(w, self.out_channels)

    def _from_filters(self, w: Tensor) -> Tensor:
        return self._swap(w, self.in_channels)

    def _swap(self, w: Tensor, channels: int) -> Tensor:
        """Return w (groups * A, B, kH, kW) as (groups * B, A, kH, kW), channels = groups * B; its own inverse."""
        per_group = w.reshape(self.groups, -1, *w.shape[1:])
        return per_group.transpose(1, 2).reshape(channels, -1, *w.shape[2:])
