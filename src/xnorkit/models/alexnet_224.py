"""AlexNet for 224x224 images, as the authors of XNOR-Net published it."""

import torch
from torch import Tensor, nn

from xnorkit.models.binarization import binarize_
from xnorkit.models.norm_first_blocks import NormFirstConv

__all__ = ["AlexNet224"]


class AlexNet224(nn.Module):
    """AlexNet with convolutions only: images (N, 3, 224, 224) float32 -> logits (N, num_classes).

    | name | layer | output |
    |---|---|---|
    | features.0 - features.3 | convolution 3 -> 96, 11x11 / 4, BatchNorm, ReLU, max-pool 3 / 2 | 96 x 27 x 27 |
    | features.4, features.5 | BatchNorm, binary convolution 96 -> 256, 5x5, max-pool 3 / 2 | 256 x 13 x 13 |
    | features.6 | BatchNorm, binary convolution 256 -> 384, 3x3 | 384 x 13 x 13 |
    | features.7 | BatchNorm, binary convolution 384 -> 384, 3x3 | 384 x 13 x 13 |
    | features.8, features.9 | BatchNorm, binary convolution 384 -> 256, 3x3, max-pool 3 / 2 | 256 x 6 x 6 |
    | features.10 | BatchNorm, binary convolution 256 -> 4096, 6x6 | 4096 x 1 x 1 |
    | features.11 | BatchNorm, binary convolution 4096 -> 4096, 1x1 | 4096 x 1 x 1 |
    | features.12 - features.14 | BatchNorm, ReLU, convolution 4096 -> num_classes, 1x1 | num_classes x 1 x 1 |

    There is no ReLU after the binary convolutions, and no dropout. Weights start with PyTorch's initialisation.

    Args:
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`; the authors' AlexNet of this form uses "xnor".

    Raises:
        InputError: the binarization is unknown.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), and models/alexnetxnor.lua of allenai/XNOR-Net, which has no input
    scales K either. It ends in a log-softmax, which is part of the loss here.
    """

    def __init__(self, num_classes: int = 1000, binarization: str = "xnor") -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4, padding=2),
            nn.BatchNorm2d(96),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            NormFirstConv(96, 256, 5, padding=2, relu=False),
            nn.MaxPool2d(3, 2),
            NormFirstConv(256, 384, 3, padding=1, relu=False),
            NormFirstConv(384, 384, 3, padding=1, relu=False),
            NormFirstConv(384, 256, 3, padding=1, relu=False),
            nn.MaxPool2d(3, 2),
            NormFirstConv(256, 4096, 6, relu=False),
            NormFirstConv(4096, 4096, 1, relu=False),
            nn.BatchNorm2d(4096, eps=1e-3),
            nn.ReLU(),
            nn.Conv2d(4096, num_classes, 1),
        )
        binarize_(self, binarization, float_layers=("features.0", "features.14"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        return torch.flatten(self.features(x), 1)
