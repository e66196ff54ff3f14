"""The residual block of three convolutions whose outputs are concatenated."""

import torch
from torch import Tensor, nn

from xnorkit.models.residual_blocks import Activation, conv3x3, shortcut

__all__ = ["HBlock"]


class HBlock(nn.Module):
    """Returns concat(y1, y2, y3) + x: (N, C_in, H, W) -> (N, C_out, H / stride, W / stride).

    y1 = act(conv(bn(x))) with C_out / 2 channels; y2 of y1, and y3 of y2, are computed in the same way with C_out / 4.
    This gives the gradient shorter paths through signs, and y1, y2, y3 have passed one, two and three convolutions.

    Args:
        in_channels, out_channels: out_channels is a multiple of 4.
        stride: the stride of the first convolution.
        activation: a function, channels -> module.

    Source: Bulat and Tzimiropoulos, Binarized Convolutional Landmark Localizers (ICCV 2017), figure 5. The activation
    follows the convolution: before a sign, a ReLU would make every bit +1.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, activation: Activation) -> None:
        super().__init__()
        half, quarter = out_channels // 2, out_channels // 4
        self.bn1, self.conv1 = nn.BatchNorm2d(in_channels), conv3x3(in_channels, half, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(half), conv3x3(half, quarter)
        self.bn3, self.conv3 = nn.BatchNorm2d(quarter), conv3x3(quarter, quarter)
        self.act1, self.act2, self.act3 = activation(half), activation(quarter), activation(quarter)
        self.downsample = shortcut(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H / stride, W / stride)."""
        y1 = self.act1(self.conv1(self.bn1(x)))
        y2 = self.act2(self.conv2(self.bn2(y1)))
        y3 = self.act3(self.conv3(self.bn3(y2)))
        return torch.cat((y1, y2, y3), 1) + (x if self.downsample is None else self.downsample(x))
