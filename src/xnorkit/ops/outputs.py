"""Post-processes for a layer's output with learned parameters per channel."""

import torch
from torch import Tensor, nn

from xnorkit.functional.adaptive import rprelu
from xnorkit.ops._layer import channel_shape, match_rank, out_channels, spatial_dims
from xnorkit.ops.base import OutputProcess

__all__ = ["BasicScaleBinarizer", "BiasPostprocess", "RPReLU"]


class BasicScaleBinarizer(OutputProcess):
    """Multiplies the output by a learned scale per channel.

    Forward: z = a_c y; a starts at 1. Backward: dC/dy = a_c dC/dz, dC/da_c = the sum of y dC/dz over all but the
    channels.
    On bits: after the integer dot product, in float.

    Args:
        layer: the layer that it serves, which determines the number of channels and their axis.
        shape: another shape of the scale, which must broadcast against the output.

    Attributes:
        alpha: a, (1, O, 1, 1) for a Conv2d, (1, O) for a Linear.

    Source: Bulat and Tzimiropoulos, XNOR-Net++ (BMVC 2019), the variant with one scale per output channel.
    """

    bit_reason = "multiplies the output in float by a learned scale per channel"

    def __init__(self, layer: nn.Module, shape: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(shape or channel_shape(out_channels(layer), spatial_dims(layer))))

    def forward(self, y: Tensor, x: Tensor | None = None) -> Tensor:
        """Return z, of the shape of `y`; `x` is not used."""
        return y * match_rank(self.alpha, y)

    def extra_repr(self) -> str:
        """Return the shape of the scale, for print(model)."""
        return f"{list(self.alpha.shape)}"


class BiasPostprocess(OutputProcess):
    """Adds a learned bias per channel to the output.

    Forward: z = y + b_c; b starts at 0. Backward: dC/dy = dC/dz, dC/db_c = the sum of dC/dz over all but the channels.
    On bits: after the integer dot product, in float.

    Args:
        layer: the layer that it serves, which determines the number of channels and their axis.

    Attributes:
        bias: b, (1, O, 1, 1) for a Conv2d, (1, O) for a Linear.

    Source: a fork of the package `bnn` (github.com/xaosina/binary-networks-pytorch); ReActNet (ECCV 2020) has such
    biases around its activations.
    """

    bit_reason = "adds a learned bias per channel to the output in float"

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channel_shape(out_channels(layer), spatial_dims(layer))))

    def forward(self, y: Tensor, x: Tensor | None = None) -> Tensor:
        """Return z, of the shape of `y`; `x` is not used."""
        return y + match_rank(self.bias, y)

    def extra_repr(self) -> str:
        """Return the number of biases, for print(model)."""
        return f"{self.bias.numel()}"


class RPReLU(OutputProcess):
    """Applies a PReLU whose bend is shifted per channel by learned shifts of input and output.

    Forward: u = y - gamma_c; z = u + zeta_c where u > 0, beta_c u + zeta_c elsewhere; gamma and zeta start at 0.
    Backward, with g = dC/dz: dC/dy = g where u > 0, beta_c g elsewhere; per channel dC/dgamma = -sum dC/dy,
    dC/dbeta = sum of g min(u, 0), dC/dzeta = sum g. The backward pass keeps y alone.
    On bits: after the integer dot product, in float.

    Args:
        layer: the layer that it follows, or the number of channels.
        dims: the number of dimensions after the channels, if `layer` is a number: 2 for images, 0 for features.
        slope: the initial value of beta.

    Attributes:
        gamma, beta, zeta: (1, C, 1, 1) for images, (1, C) for features.

    Source: Liu et al., ReActNet (ECCV 2020).
    """

    bit_reason = "applies RPReLU to the output in float"

    def __init__(self, layer: nn.Module | int, dims: int = 2, slope: float = 0.25) -> None:
        super().__init__()
        shape = (
            channel_shape(layer, dims)
            if isinstance(layer, int)
            else channel_shape(out_channels(layer), spatial_dims(layer))
        )
        self.gamma = nn.Parameter(torch.zeros(shape))
        self.beta = nn.Parameter(torch.full(shape, slope))
        self.zeta = nn.Parameter(torch.zeros(shape))

    def forward(self, y: Tensor, x: Tensor | None = None) -> Tensor:
        """Return z, of the shape of `y`; `x` is not used."""
        gamma, beta, zeta = (match_rank(p, y) for p in (self.gamma, self.beta, self.zeta))
        return rprelu(y, gamma, beta, zeta)

    def extra_repr(self) -> str:
        """Return the number of channels, for print(model)."""
        return f"{self.beta.numel()}"
