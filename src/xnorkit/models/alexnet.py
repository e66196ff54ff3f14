"""AlexNet for 227x227 images, as in XNOR-Net-PyTorch."""

import torch
from torch import Tensor, nn

from xnorkit.models.binarization import binarize_
from xnorkit.models.init import normal_by_fan_in_
from xnorkit.models.norm_first_blocks import EPS, NormFirstConv, NormFirstLinear

__all__ = ["AlexNet"]


class AlexNet(nn.Module):
    """AlexNet: images (N, 3, 227, 227) float32 -> logits (N, num_classes).

    | name | layer | output |
    |---|---|---|
    | features.0 - features.3 | convolution 3 -> 96, 11x11 / 4, BatchNorm, ReLU, max-pool 3 / 2 | 96 x 27 x 27 |
    | features.4, features.5 | BatchNorm, binary convolution 96 -> 256, 5x5, ReLU, max-pool 3 / 2 | 256 x 13 x 13 |
    | features.6 | BatchNorm, binary convolution 256 -> 384, 3x3, ReLU | 384 x 13 x 13 |
    | features.7 | BatchNorm, binary convolution 384 -> 384, 3x3, ReLU | 384 x 13 x 13 |
    | features.8, features.9 | BatchNorm, binary convolution 384 -> 256, 3x3, ReLU, max-pool 3 / 2 | 256 x 6 x 6 |
    | classifier.0 | flatten, BatchNorm per feature, binary linear 9216 -> 4096, ReLU | 4096 |
    | classifier.1 | BatchNorm, sign, dropout 0.5, binary linear 4096 -> 4096, ReLU | 4096 |
    | classifier.2 - classifier.4 | BatchNorm, dropout 0.5, linear 4096 -> num_classes | num_classes |

    With 1000 classes it has 62,415,592 parameters, of which 58,236,928 are binary weights. Weights start at
    N(0, 2 / c), with c weights per filter. Names are those of the reference's checkpoints without `module.`.

    Args:
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`.

    Raises:
        InputError: the binarization is unknown.

    Source: Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks (NeurIPS 2012), without
    its groups, made binary as in jiecaoyu/XNOR-Net-PyTorch. Difference from the latter: weights are not centred over
    the input channels.
    """

    def __init__(self, num_classes: int = 1000, binarization: str = "xnor") -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4),
            nn.BatchNorm2d(96, eps=EPS),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            NormFirstConv(96, 256, 5, padding=2),
            nn.MaxPool2d(3, 2),
            NormFirstConv(256, 384, 3, padding=1),
            NormFirstConv(384, 384, 3, padding=1),
            NormFirstConv(384, 256, 3, padding=1),
            nn.MaxPool2d(3, 2),
        )
        self.classifier = nn.Sequential(
            NormFirstLinear(9216, 4096),
            NormFirstLinear(4096, 4096, dropout=0.5),
            nn.BatchNorm1d(4096, eps=1e-3),
            nn.Dropout(),
            nn.Linear(4096, num_classes),
        )
        normal_by_fan_in_(self)
        binarize_(self, binarization, float_layers=("features.0", "classifier.4"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        return self.classifier(torch.flatten(self.features(x), 1))
