"""The first layers of a ResNet, which stay float: image -> 64 channels."""

import torch
from torch import Tensor, nn

__all__ = ["DaBNNStem"]


class DaBNNStem(nn.Module):
    """Four small convolutions instead of the 7x7: (N, 3, H, W) -> (N, channels, H / 4, W / 4).

    | name | layer | channels of 64 |
    |---|---|---|
    | conv1 | 3x3 / 2 | 32 |
    | conv2_1, conv2_2 | 1x1, then 3x3 / 2 | 16, 32 |
    | maxpool | 3x3 / 2 of conv1, beside conv2 | 32 |
    | conv3 | 1x1 of both, concatenated | 64 |

    BatchNorm and ReLU follow each convolution; `activation` replaces the last ReLU. The stem takes 0.38 times the
    multiply-adds of the 7x7 convolution.

    Source: Zhang et al., dabnn (ACM MM 2019), the stem of its Bi-Real Net.
    """

    def __init__(self, channels: int = 64, activation: nn.Module | None = None) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = _unit(3, half, 3, 2)
        self.conv2_1 = _unit(half, half // 2, 1)
        self.conv2_2 = _unit(half // 2, half, 3, 2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.conv3 = _unit(channels, channels, 1)
        if activation is not None:
            self.conv3[2] = activation

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels, H / 4, W / 4)."""
        x = self.conv1(x)
        return self.conv3(torch.cat((self.conv2_2(self.conv2_1(x)), self.maxpool(x)), 1))


def _unit(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )
