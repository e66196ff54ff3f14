"""Convolutions of signs in one, two and three dimensions."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit import _engine
from xnorkit.errors import InputError
from xnorkit.nn._checks import check_image, check_sizes
from xnorkit.nn._latent import XNOR, LatentWeight, Operation
from xnorkit.nn._packed import ConvOfSigns, packed_conv
from xnorkit.nn._scaled import scaled_conv
from xnorkit.nn.bconfig import BConfig

__all__ = ["BinaryConv1d", "BinaryConv2d", "BinaryConv3d"]


class _BinaryConv(LatentWeight):
    """Constructor and forward pass that the binary convolutions share, before `torch.nn.ConvNd` in the MRO."""

    in_channels: int
    out_channels: int
    padding_mode: Any
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    groups: int
    _conv_forward: Any

    def __init__(  # noqa: PLR0917 - the signature of torch.nn.Conv2d
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: str | int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        scale: bool = True,
        bconfig: BConfig | None = None,
    ) -> None:
        name = type(self).__name__
        if bconfig is None and padding_mode != "zeros":
            raise InputError(
                f"{name}: padding_mode={padding_mode!r}, but it must be 'zeros'. Pad in a layer before this one."
            )
        sizes = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
        check_sizes(name, 1, in_channels=in_channels, out_channels=out_channels, **sizes)
        check_sizes(name, 0, padding=padding)
        arguments: dict[str, Any] = {
            "in_channels": in_channels,
            "out_channels": out_channels,
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "bias": bias,
            "padding_mode": padding_mode,
            "device": device,
            "dtype": dtype,
        }
        try:
            super().__init__(**arguments)
        except ValueError as error:
            raise InputError(
                f"{name}: {error}. Pass arguments that torch.nn.{self.FLOAT_MODULE.__name__} accepts."
            ) from error
        self.scale = scale
        self._install(XNOR if bconfig is None else bconfig)

    def forward(self, x: Tensor) -> Tensor:
        """Return y (N, C_out, ...), or (C_out, ...) for one image without a batch."""
        check_image(type(self).__name__, x, self.in_channels, self.SPATIAL_DIMS)
        return self._process(x, self._conv_forward)

    def _dot(self, s: Tensor, b: Tensor, scale: Tensor | None, operation: Operation) -> Tensor:
        padding = self._both_sides()
        if scale is None or padding is None or s.dim() == self.SPATIAL_DIMS + 1:
            return super()._dot(s, b, scale, operation)
        return scaled_conv(s, b, scale, self.stride, padding, self.dilation, self.groups)

    def _geometry_reason(self) -> str | None:
        channels = self.in_channels // self.groups
        if self.SPATIAL_DIMS == 3:
            return "three-dimensional convolutions have no gradients on bits"
        if self._both_sides() is None:
            return f"padding={self.padding!r} of mode {self.padding_mode!r} has no gradients on bits"
        if self.groups > 1 and channels % 16:
            return f"groups of {channels} channels have no gradients on bits; a multiple of 16 has"
        return None

    def _fits_bits(self, x: Tensor) -> bool:
        padding = self._both_sides()
        if x.dim() != self.SPATIAL_DIMS + 2 or padding is None:
            return False
        axes = zip(x.shape[2:], padding, self.dilation, self.kernel_size, self.stride, strict=True)
        sizes = [
            (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1 for size, pad, dilation, kernel, stride in axes
        ]
        terms = max(len(x) * math.prod(sizes), self.out_channels // self.groups * math.prod(self.kernel_size))
        return min(sizes) >= 1 and terms <= _engine.MAX_SUM_TERMS

    def _packed(self, u: Tensor, clip: float, drop: float, b: Tensor, scale: Tensor | None) -> Tensor:
        padding = self._both_sides()
        assert padding is not None
        stride, padded, dilation = _plane(self.stride, 1), _plane(padding, 0), _plane(self.dilation, 1)
        geometry = ConvOfSigns(stride, padded, dilation, self.groups)
        if self.SPATIAL_DIMS == 2:
            return packed_conv(u, b, scale, self.bias, clip, drop, geometry)
        y = packed_conv(u.unsqueeze(2), b.unsqueeze(2), scale, self.bias, clip, drop, geometry).squeeze(2)
        return y.contiguous()  # like torch.nn.Conv1d, also if x is a transposed (N, L, C)

    def _layer_reason(self) -> str | None:
        return None if self.padding_mode == "zeros" else f"padding mode '{self.padding_mode}' has no kernel on bits"

    def _both_sides(self) -> tuple[int, ...] | None:
        """Return how many zeros pad both sides of each axis; None for another mode, or if the sides differ."""
        if self.padding_mode != "zeros":
            return None
        if not isinstance(self.padding, str):
            return tuple(self.padding)
        if self.padding == "valid":
            return (0,) * self.SPATIAL_DIMS
        totals = [dilation * (size - 1) for dilation, size in zip(self.dilation, self.kernel_size, strict=True)]
        return None if any(total % 2 for total in totals) else tuple(total // 2 for total in totals)


def _plane(sizes: tuple[int, ...], row: int) -> tuple[int, int]:
    """Return sizes per axis as (height, width); a line is an image of one row, whose own size is `row`."""
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (row, sizes[0])


class BinaryConv2d(_BinaryConv, nn.Conv2d):
    """Convolves sign(x) with sign(W), then scales and shifts: (N, C_in, H, W) -> (N, C_out, H_out, W_out).

    Forward: y = conv(sign(x), sign(W)) * alpha + bias, with alpha (C_out,) = mean |W| per filter. The convolution is a
    sum of +1 and -1, an integer that float32 holds exactly; a padded position contributes 0. Autocast is off inside,
    and the result has the dtype of the weight.
    Gradient: straight through both signs where |.| < 1 (`sign_ste`), and through alpha; for W this equals the gradient
    of a convolution with `scaled_sign(W)`.

    With `bconfig`, its processes replace the two signs and follow the output:
    y = post(conv(pre(x), b) * scale + bias, x) if the weight process has `factors(W) -> (b, scale)`, in the same
    precision as above; otherwise y = post(conv(pre(x), weight(W)) + bias, x), under autocast if that is on.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device, dtype: as in
            `torch.nn.Conv2d`.
        padding_mode: must be "zeros" without `bconfig`: the padding comes after the sign, where 0 is the only value
            with an exact meaning.
        scale: False omits alpha.
        bconfig: processes other than the XNOR-Net ones above, see `BConfig`; `BConfig()` makes a float layer.

    Raises:
        InputError: for a size below 1 (a padding below 0), another padding mode, more than 2^24 weights per filter, or
            an input of wrong rank, channel count or dtype.

    Examples:
        >>> BinaryConv2d(64, 128, 3, padding=1)(torch.randn(1, 64, 14, 14)).shape
        torch.Size([1, 128, 14, 14])

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 11, without the map K of input scales, which is
    `xnorkit.ops.XNORScaleBinarizer`.
    """

    FLOAT_MODULE = nn.Conv2d
    SPATIAL_DIMS = 2


class BinaryConv1d(_BinaryConv, nn.Conv1d):
    """Convolves signs along one axis: (N, C_in, L) -> (N, C_out, L_out); all else as in `BinaryConv2d`."""

    FLOAT_MODULE = nn.Conv1d
    SPATIAL_DIMS = 1


class BinaryConv3d(_BinaryConv, nn.Conv3d):
    """Convolves signs along three axes: (N, C_in, D, H, W) -> (N, C_out, D_out, H_out, W_out).

    All else as in `BinaryConv2d`.
    """

    FLOAT_MODULE = nn.Conv3d
    SPATIAL_DIMS = 3

    def _layer_reason(self) -> str | None:
        return LatentWeight._layer_reason(self)
