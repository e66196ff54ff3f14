"""The scale map K of XNOR-Net as a post-process of a layer's output."""

from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional.input_scale import input_scale, scale_groups
from xnorkit.ops._layer import spatial_dims
from xnorkit.ops.base import OutputProcess

__all__ = ["XNORScaleBinarizer"]


class XNORScaleBinarizer(OutputProcess):
    """Multiplies the output by K, the mean magnitude of the inputs under the kernel at each position.

    Forward: z = y K, K = A * k, where A is the mean of |x| over the channels and k is the box filter with value
    1/(KH KW), with the stride, padding and dilation of the layer; a padded position counts as 0. With groups, each
    group has a map of its own channels. For a Linear, K is the mean of |x| over the features.
    Backward: dC/dy = K dC/dz; dC/dK = the sum of y dC/dz over the channels of the group, and through it
    dC/dx = sign(x)/(C/groups) times (dC/dK correlated back with k), where sign(0) = 0.
    On bits: after the integer dot product, in float; K needs the float input.

    Args:
        layer: the layer that it serves, a Linear, Conv1d, Conv2d or Conv3d, which determines the geometry.

    Raises:
        InputError: for another layer, such as a transposed convolution, or a padding mode other than zeros.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), section 3.2.
    """

    bit_reason = "multiplies the output in float by the map K of the input's magnitudes"

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        if not isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            raise InputError(
                f"XNORScaleBinarizer: layer is a {type(layer).__name__}, but it must be a Linear, Conv1d, Conv2d or "
                "Conv3d, because the map K is not defined for others. Use BasicScaleBinarizer."
            )
        self.dims = spatial_dims(layer)
        geometry = None if isinstance(layer, nn.Linear) else layer
        if geometry and geometry.padding_mode != "zeros":
            raise InputError(
                f"XNORScaleBinarizer: the layer has padding_mode={geometry.padding_mode!r}, but it must be 'zeros', "
                "because K counts a padded position as 0. Pad in a layer before this one."
            )
        self.kernel_size: tuple[int, ...] = geometry.kernel_size if geometry else ()
        self.stride: tuple[int, ...] = geometry.stride if geometry else ()
        self.padding: tuple[int, ...] | str = geometry.padding if geometry else ()
        self.dilation: tuple[int, ...] = geometry.dilation if geometry else ()
        self.groups: int = geometry.groups if geometry else 1

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        """Return z, of the shape of `y`: (N, O, H_out, W_out) for x (N, C, H, W), both with or without N."""
        k = input_scale(x, self.kernel_size, self.stride, self.padding, self.dilation, self.groups)
        return scale_groups(y, k.to(y.dtype), self.dims)

    def extra_repr(self) -> str:
        """Return the geometry, for print(model)."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, groups={self.groups}"
