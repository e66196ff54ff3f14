"""Bi-Real Net with bottlenecks, 50 layers: each of the three convolutions of a block has a shortcut."""

import torch
from torch import Tensor, nn

from xnorkit.models.binarization import binarize_
from xnorkit.models.bottleneck_blocks import EXPANSION, conv1x1
from xnorkit.models.residual_blocks import conv3x3, shortcut

__all__ = ["BiRealBottleneck", "BiRealResNet50"]

BLOCKS = (3, 4, 6, 3)
WIDTHS = (256, 512, 1024, 2048)
STEM_WIDTH = 64


class BiRealBottleneck(nn.Module):
    """Returns (m', x') for (m, x): a narrow stream m of C / 4 channels next to the wide stream x of C channels.

    y = bn1(conv1(act(x))) + narrow(m); m' = bn2(conv2(act(y))) + pool(y); x' = bn3(conv3(act(m'))) + wide(x), where
    conv1 and conv3 are 1x1 and conv2 is 3x3. Where the shape changes, narrow is a 1x1 convolution, pool is average
    pooling with the stride, and wide is `xnorkit.models.residual_blocks.shortcut`; elsewhere all three are the
    identity. act is hardtanh, which changes nothing before a sign.

    Args:
        in_channels, out_channels: the channels of x and x', multiples of 4.
        stride: the stride of conv2.
        first: whether this is the first block, which has no narrow stream: y = bn1(conv1(act(x))).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, *, first: bool = False) -> None:
        super().__init__()
        width = out_channels // EXPANSION
        changes = in_channels != out_channels
        self.first = first
        self.act1, self.conv1, self.bn1 = nn.Hardtanh(), conv1x1(in_channels, width), nn.BatchNorm2d(width)
        self.act2, self.conv2, self.bn2 = nn.Hardtanh(), conv3x3(width, width, stride), nn.BatchNorm2d(width)
        self.act3, self.conv3, self.bn3 = nn.Hardtanh(), conv1x1(width, out_channels), nn.BatchNorm2d(out_channels)
        self.narrow: nn.Module = conv1x1(in_channels // EXPANSION, width) if changes and not first else nn.Identity()
        self.pool: nn.Module = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.downsample = shortcut(in_channels, out_channels, stride)

    def forward(self, streams: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return (N, C / 4, H / stride, W / stride) and (N, C, H / stride, W / stride)."""
        m, x = streams
        y = self.bn1(self.conv1(self.act1(x)))
        if not self.first:
            y = y + self.narrow(m)
        m = self.bn2(self.conv2(self.act2(y))) + self.pool(y)
        x = self.bn3(self.conv3(self.act3(m))) + (x if self.downsample is None else self.downsample(x))
        return m, x


class BiRealResNet50(nn.Module):
    """Bi-Real Net-50: images (N, 3, H, W) float32 -> logits (N, num_classes).

    | name | layer | output at 224 x 224 |
    |---|---|---|
    | conv1, bn1, maxpool | 7x7 / 2, BatchNorm, max-pool 3x3 / 2 | 64 x 56 x 56 |
    | layer1 | 3 `BiRealBottleneck` of 256 channels | 256 x 56 x 56 |
    | layer2 | 4 of 512 channels, the first with stride 2 | 512 x 28 x 28 |
    | layer3 | 6 of 1024 channels, the first with stride 2 | 1024 x 14 x 14 |
    | layer4 | 3 of 2048 channels, the first with stride 2 | 2048 x 7 x 7 |
    | avgpool, fc | mean over the positions, linear | num_classes |

    conv1, fc, the 1x1 convolutions of all shortcuts, and conv1 of the first block stay float.

    Args:
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`.

    Raises:
        InputError: the binarization is unknown.

    Source: Liu et al., Bi-Real Net: Binarizing Deep Network Towards Real-Network Performance (IJCV 2020), and its code.
    Difference: hardtanh instead of a leaky clip before the first block's float convolution.
    """

    def __init__(self, num_classes: int = 1000, binarization: str = "bireal") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM_WIDTH, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_WIDTH)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        width = STEM_WIDTH
        layers = []
        for index, (count, out_channels) in enumerate(zip(BLOCKS, WIDTHS, strict=True)):
            first = BiRealBottleneck(width, out_channels, 1 if index == 0 else 2, first=index == 0)
            others = [BiRealBottleneck(out_channels, out_channels, 1) for _ in range(count - 1)]
            layers.append(nn.Sequential(first, *others))
            width = out_channels
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        binarize_(self, binarization, ("conv1", "fc", "layer1.0.conv1", "$narrow$", "$downsample$"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        x = self.maxpool(self.bn1(self.conv1(x)))
        _, x = self.layer4(self.layer3(self.layer2(self.layer1((x, x)))))
        return self.fc(torch.flatten(self.avgpool(x), 1))
