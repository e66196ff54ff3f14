"""QuickNet: a binary residual network built for speed."""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.models.binarization import binarize_
from xnorkit.models.bottleneck_blocks import conv1x1
from xnorkit.models.residual_blocks import conv3x3

__all__ = ["QuickNet"]

SIZES = {  # blocks and channels of each section
    "small": ((4, 4, 4, 4), (32, 64, 256, 512)),
    "medium": ((4, 4, 4, 4), (64, 128, 256, 512)),
    "large": ((6, 8, 12, 6), (64, 128, 256, 512)),
}
BLUR = [[a * b / 16 for b in (1, 2, 1)] for a in (1, 2, 1)]


class _Block(nn.Module):
    """Returns bn(relu(conv(x))) + x: (N, C, H, W) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = conv3x3(channels, channels)
        self.relu = nn.ReLU()
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.relu(self.conv(x))) + x


def _transition(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return ReLU, max-pool 2 / 1, a fixed blur 3x3 / 2, 1x1 convolution, BatchNorm."""
    blur = nn.Conv2d(in_channels, in_channels, 3, 2, 1, groups=in_channels, bias=False)
    blur.weight = nn.Parameter(torch.tensor([[BLUR]] * in_channels), requires_grad=False)
    return nn.Sequential(
        nn.ReLU(), nn.MaxPool2d(2, 1), blur, conv1x1(in_channels, out_channels), nn.BatchNorm2d(out_channels)
    )


class QuickNet(nn.Module):
    """QuickNet: images (N, 3, H, W) float32 -> logits (N, num_classes).

    | name | layer | output at 224 x 224 |
    |---|---|---|
    | stem | 3x3 / 2 to 16, BatchNorm, ReLU; depthwise 3x3 / 2, BatchNorm (no affine); 1x1, BatchNorm | 64 x 56 x 56 |
    | sections.0 | 4 blocks: binary 3x3, ReLU, BatchNorm, + x | 64 x 56 x 56 |
    | transitions.0, sections.1 | ReLU, max-pool 2 / 1, blur 3x3 / 2, 1x1, BatchNorm; 4 blocks | 128 x 28 x 28 |
    | transitions.1, sections.2 | the same; 4 blocks | 256 x 14 x 14 |
    | transitions.2, sections.3 | the same; 4 blocks | 512 x 7 x 7 |
    | relu, avgpool, fc | ReLU, mean over the positions, linear | num_classes |

    Size "small" has 32, 64, 256, 512 channels, and "large" 6, 8, 12, 6 blocks. Stem, transitions and the last layer are
    float; the blur is a fixed depthwise convolution, whose weight gets no gradient.

    Args:
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`; "quicknet" is the paper's.
        size: "small", "medium" or "large".

    Raises:
        InputError: the binarization or size is unknown.

    Source: Bannink et al., Larq Compute Engine (MLSys 2021), section 5, and QuickNet v1.0 of Larq Zoo. Differences: a
    padded position of a binary convolution contributes 0 instead of +1, and strided layers pad on both sides.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        binarization: str = "quicknet",
        size: Literal["small", "medium", "large"] = "medium",
    ) -> None:
        super().__init__()
        if size not in SIZES:
            raise InputError(f"QuickNet: size={size!r}, but it must be one of {', '.join(SIZES)}.")
        blocks, widths = SIZES[size]
        narrow = widths[0] // 4
        self.stem = nn.Sequential(
            nn.Conv2d(3, narrow, 3, 2, 1, bias=False),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            nn.Conv2d(narrow, narrow, 3, 2, 1, groups=narrow, bias=False),
            nn.BatchNorm2d(narrow, affine=False),
            conv1x1(narrow, widths[0]),
            nn.BatchNorm2d(widths[0]),
        )
        self.sections = nn.ModuleList(
            nn.Sequential(*(_Block(width) for _ in range(count))) for count, width in zip(blocks, widths, strict=True)
        )
        self.transitions = nn.ModuleList(_transition(a, b) for a, b in pairwise(widths))
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(widths[-1], num_classes)
        for module in self.modules():
            if isinstance(module, _Block):
                nn.init.xavier_normal_(module.conv.weight)
        binarize_(self, binarization, ("stem", "transitions", "fc"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        x = self.sections[0](self.stem(x))
        for transition, section in zip(self.transitions, self.sections[1:], strict=True):
            x = section(transition(x))
        return self.fc(torch.flatten(self.avgpool(self.relu(x)), 1))
