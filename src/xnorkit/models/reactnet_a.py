"""ReActNet-A: a MobileNet of binary 3x3 and 1x1 convolutions."""

import torch
from torch import Tensor, nn

from xnorkit.models.binarization import binarize_
from xnorkit.models.bottleneck_blocks import conv1x1
from xnorkit.models.residual_blocks import conv3x3
from xnorkit.nn import RPReLU

__all__ = ["ReActMobileBlock", "ReActNetA"]

STEM_WIDTH = 32
BLOCKS = (  # out_channels, stride
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
    *((512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)),
    *((1024, 2), (1024, 1)),
)


class ReActMobileBlock(nn.Module):
    """Returns z = act2(bn2(conv2(y)) + y), y = act1(bn1(conv1(x)) + pool(x)): (N, C, H, W) -> (N, C_out, H/s, W/s).

    conv1 is 3x3 and keeps the number of channels, conv2 is 1x1, act is RPReLU, and pool is the average over the stride.
    Where C_out = 2 C, the paper concatenates two branches, bn_i(conv_i(sign(y + b))) + y with i = 1, 2. Both read
    the same bits, and scales and batch normalization are per output channel, so this equals one convolution C -> 2 C
    with the filters of both, plus y concatenated with itself. This class computes that.

    Args:
        in_channels, out_channels: out_channels is in_channels or twice as many.
        stride: the stride of conv1, 1 or 2.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.doubles = out_channels == 2 * in_channels
        self.conv1, self.bn1 = conv3x3(in_channels, in_channels, stride), nn.BatchNorm2d(in_channels)
        self.pool: nn.Module = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.act1 = RPReLU(in_channels)
        self.conv2, self.bn2 = conv1x1(in_channels, out_channels), nn.BatchNorm2d(out_channels)
        self.act2 = RPReLU(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H / stride, W / stride)."""
        y = self.act1(self.bn1(self.conv1(x)) + self.pool(x))
        z = self.bn2(self.conv2(y))
        return self.act2(z + (torch.cat((y, y), 1) if self.doubles else y))


class ReActNetA(nn.Module):
    """ReActNet-A: images (N, 3, H, W) float32, H and W multiples of 32 -> logits (N, num_classes).

    | name | layer | output at 224 x 224 |
    |---|---|---|
    | conv1, bn1 | 3x3 / 2, BatchNorm | 32 x 112 x 112 |
    | blocks.0 | `ReActMobileBlock` 32 -> 64 | 64 x 112 x 112 |
    | blocks.1, blocks.2 | 64 -> 128 / 2, 128 -> 128 | 128 x 56 x 56 |
    | blocks.3, blocks.4 | 128 -> 256 / 2, 256 -> 256 | 256 x 28 x 28 |
    | blocks.5 - blocks.10 | 256 -> 512 / 2, five of 512 -> 512 | 512 x 14 x 14 |
    | blocks.11, blocks.12 | 512 -> 1024 / 2, 1024 -> 1024 | 1024 x 7 x 7 |
    | avgpool, fc | mean over the positions, linear | num_classes |

    Every convolution of the blocks is binary. The shortcuts have no 1x1 convolutions: they pool and double.

    Args:
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`; "react", with RSign, is the paper's.

    Raises:
        InputError: the binarization is unknown.

    Source: Liu et al., ReActNet (ECCV 2020), figure 4 and table 1, and its code.
    """

    def __init__(self, num_classes: int = 1000, binarization: str = "react") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM_WIDTH, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_WIDTH)
        width = STEM_WIDTH
        blocks = []
        for out_channels, stride in BLOCKS:
            blocks.append(ReActMobileBlock(width, out_channels, stride))
            width = out_channels
        self.blocks = nn.Sequential(*blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width, num_classes)
        binarize_(self, binarization, ("conv1", "fc"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        x = self.blocks(self.bn1(self.conv1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))
