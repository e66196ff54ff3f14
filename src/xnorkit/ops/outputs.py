"""Post-processes of a layer's output with learned parameters per channel."""

import torch
from torch import Tensor, nn

from xnorkit.ops._layer import channel_shape, match_rank, out_channels, spatial_dims
from xnorkit.ops.base import OutputProcess

__all__ = ["BasicScaleBinarizer"]


class BasicScaleBinarizer(OutputProcess):
    """Multiplies the output with a learned scale per channel.

    Forward: z = a_c y; a starts at 1. Backward: dC/dy = a_c dC/dz, dC/da_c = the sum of y dC/dz over all but the
    channels.
    On bits: behind the integer dot product, in float.

    Args:
        layer: the layer that it serves; gives the number of channels and where they stand.
        shape: of the scale, where it shall be another one that broadcasts against the output.

    Attributes:
        alpha: a, (1, O, 1, 1) for a Conv2d, (1, O) for a Linear.

    Source: Bulat and Tzimiropoulos, XNOR-Net++ (BMVC 2019), section 4.1, case 1.
    """

    bit_reason = "multiplies the output in float with a learned scale per channel"

    def __init__(self, layer: nn.Module, shape: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(shape or channel_shape(out_channels(layer), spatial_dims(layer))))

    def forward(self, y: Tensor, x: Tensor | None = None) -> Tensor:
        """Return z, of the shape of `y`; `x` is not used."""
        return y * match_rank(self.alpha, y)

    def extra_repr(self) -> str:
        """Return the shape of the scale, for print(model)."""
        return f"{list(self.alpha.shape)}"
