"""Residual blocks of three convolutions, 1x1, 3x3 and 1x1, whose inner width is a quarter of the outer one."""

from torch import Tensor, nn

from xnorkit.models.residual_blocks import Activation, conv3x3, shortcut

__all__ = ["Bottleneck", "PreBottleneck", "conv1x1"]

EXPANSION = 4


def conv1x1(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Return a 1x1 convolution without bias."""
    return nn.Conv2d(in_channels, out_channels, 1, bias=False)


class _ThreeConvs(nn.Module):
    """The common parts of these blocks: three convolutions, three activations and a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, activation: Activation) -> None:
        super().__init__()
        width = out_channels // EXPANSION
        self.conv1, self.act1 = conv1x1(in_channels, width), activation(width)
        self.conv2, self.act2 = conv3x3(width, width, stride), activation(width)
        self.conv3, self.act3 = conv1x1(width, out_channels), activation(out_channels)
        self.downsample = shortcut(in_channels, out_channels, stride)

    def _identity(self, x: Tensor) -> Tensor:
        return x if self.downsample is None else self.downsample(x)


class Bottleneck(_ThreeConvs):
    """Returns act(bn(conv(y)) + x), y two units act(bn(conv(.))): (N, C_in, H, W) -> (N, C_out, H/stride, W/stride).

    With ReLU, the convolutions read values >= 0; see `BasicBlock`.

    Args:
        in_channels, out_channels: out_channels is a multiple of 4; the inner width is a quarter of it.
        stride: the stride of the 3x3 convolution.
        activation: a function, channels -> module.

    Source: He et al., Deep Residual Learning (CVPR 2016), figure 5, with the stride in the 3x3 convolution ("v1.5");
    the shortcut differs, see `shortcut`.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, activation: Activation) -> None:
        super().__init__(in_channels, out_channels, stride, activation)
        width = out_channels // EXPANSION
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(width), nn.BatchNorm2d(width), nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H / stride, W / stride)."""
        y = self.act1(self.bn1(self.conv1(x)))
        y = self.act2(self.bn2(self.conv2(y)))
        return self.act3(self.bn3(self.conv3(y)) + self._identity(x))


class PreBottleneck(_ThreeConvs):
    """Returns y + x, y three units act(conv(bn(.))): a BatchNorm precedes each convolution, and thus each sign.

    Args and shapes: as `Bottleneck`.

    Source: the block order of XNOR-Net (Rastegari et al., ECCV 2016) in the residual form of Bulat's
    binary-networks-pytorch.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, activation: Activation) -> None:
        super().__init__(in_channels, out_channels, stride, activation)
        width = out_channels // EXPANSION
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(in_channels), nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H / stride, W / stride)."""
        y = self.act1(self.conv1(self.bn1(x)))
        y = self.act2(self.conv2(self.bn2(y)))
        return self.act3(self.conv3(self.bn3(y))) + self._identity(x)
