"""Network in Network for ImageNet."""

import torch
from torch import Tensor, nn

from xnorkit.models.binarization import binarize_
from xnorkit.models.init import normal_by_fan_in_
from xnorkit.models.norm_first_blocks import EPS, NormFirstConv

__all__ = ["NIN"]


class NIN(nn.Module):
    """Network in Network: images (N, 3, 227, 227) float32 -> logits (N, num_classes).

    | name | layer | output |
    |---|---|---|
    | features.0 - features.2 | convolution 3 -> 96, 11x11 / 4, BatchNorm, ReLU | 96 x 55 x 55 |
    | features.3, features.4 | twice: BatchNorm, binary convolution 96 -> 96, 1x1, ReLU | 96 x 55 x 55 |
    | features.5 | max-pool 3 / 2 | 96 x 27 x 27 |
    | features.6 | BatchNorm, binary convolution 96 -> 256, 5x5, ReLU | 256 x 27 x 27 |
    | features.7, features.8 | twice: BatchNorm, binary convolution 256 -> 256, 1x1, ReLU | 256 x 27 x 27 |
    | features.9 | max-pool 3 / 2 | 256 x 13 x 13 |
    | features.10 | BatchNorm, binary convolution 256 -> 384, 3x3, ReLU | 384 x 13 x 13 |
    | features.11, features.12 | twice: BatchNorm, binary convolution 384 -> 384, 1x1, ReLU | 384 x 13 x 13 |
    | features.13 | max-pool 3 / 2 | 384 x 6 x 6 |
    | features.14 | BatchNorm, sign, dropout 0.5, binary convolution 384 -> 1024, 3x3, ReLU | 1024 x 6 x 6 |
    | features.15 | BatchNorm, binary convolution 1024 -> 1024, 1x1, ReLU | 1024 x 6 x 6 |
    | features.16, features.17 | BatchNorm, convolution 1024 -> num_classes, 1x1 | num_classes x 6 x 6 |
    | features.18 | mean over the positions | num_classes |

    Convolutions have a bias and start at N(0, 2 / c), with c weights per filter, as in the AlexNet of the same code.

    Args:
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`.

    Raises:
        InputError: the binarization is unknown.

    Source: Lin et al., Network in Network (ICLR 2014), with the layers that its authors published for Caffe; block
    order, batch normalizations and initialisation as in jiecaoyu/XNOR-Net-PyTorch, which planned this network.
    Differences from Caffe's network: images of 227 pixels, whose pooled sizes 27, 13, 6 need no rounding up (224 with
    rounding up gives the same), and no ReLU after the last convolution.
    """

    def __init__(self, num_classes: int = 1000, binarization: str = "xnor") -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4),
            nn.BatchNorm2d(96, eps=EPS),
            nn.ReLU(),
            NormFirstConv(96, 96, 1),
            NormFirstConv(96, 96, 1),
            nn.MaxPool2d(3, 2),
            NormFirstConv(96, 256, 5, padding=2),
            NormFirstConv(256, 256, 1),
            NormFirstConv(256, 256, 1),
            nn.MaxPool2d(3, 2),
            NormFirstConv(256, 384, 3, padding=1),
            NormFirstConv(384, 384, 1),
            NormFirstConv(384, 384, 1),
            nn.MaxPool2d(3, 2),
            NormFirstConv(384, 1024, 3, padding=1, dropout=0.5),
            NormFirstConv(1024, 1024, 1),
            nn.BatchNorm2d(1024, eps=EPS),
            nn.Conv2d(1024, num_classes, 1),
            nn.AdaptiveAvgPool2d(1),
        )
        normal_by_fan_in_(self)
        binarize_(self, binarization, float_layers=("features.0", "features.17"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        return torch.flatten(self.features(x), 1)
