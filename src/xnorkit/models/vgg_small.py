"""VGG-small for 32x32 colour images."""

import math

import torch
from torch import Tensor, nn

from xnorkit.models.binarization import binarize_

__all__ = ["VGGSmall"]


class VGGSmall(nn.Module):
    """VGG-small: images (N, 3, 32, 32) float32 -> logits (N, num_classes).

    | name | layer | output |
    |---|---|---|
    | features.0 - features.2 | convolution 3 -> 128, 3x3, BatchNorm, hardtanh | 128 x 32 x 32 |
    | features.3 - features.6 | binary convolution 128 -> 128, 3x3, max-pool 2, BatchNorm, hardtanh | 128 x 16 x 16 |
    | features.7 - features.9 | binary convolution 128 -> 256, 3x3, BatchNorm, hardtanh | 256 x 16 x 16 |
    | features.10 - features.13 | binary convolution 256 -> 256, 3x3, max-pool 2, BatchNorm, hardtanh | 256 x 8 x 8 |
    | features.14 - features.16 | binary convolution 256 -> 512, 3x3, BatchNorm, hardtanh | 512 x 8 x 8 |
    | features.17 - features.20 | binary convolution 512 -> 512, 3x3, max-pool 2, BatchNorm, hardtanh | 512 x 4 x 4 |
    | fc | flatten, linear 8192 -> num_classes | num_classes |

    Convolutions have no bias; there are 4,571,136 binary weights. sign(hardtanh(x)) = sign(x), so a hardtanh before a
    binary layer changes nothing; it is the non-linearity of the float twin. Convolutions start at N(0, sqrt(2 / n)),
    n = 9 C_out, and the linear layer at N(0, 0.01).

    Args:
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`.

    Raises:
        InputError: the binarization is unknown.

    Source: the network of Courbariaux et al., BinaryConnect (NeurIPS 2015), with one linear layer, as in Zhang et al.,
    LQ-Nets (ECCV 2018); layer order and initialisation as in the code of IR-Net (CVPR 2020).
    """

    def __init__(self, num_classes: int = 10, binarization: str = "xnor") -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_unit(3, 128),
            *_unit(128, 128, nn.MaxPool2d(2)),
            *_unit(128, 256),
            *_unit(256, 256, nn.MaxPool2d(2)),
            *_unit(256, 512),
            *_unit(512, 512, nn.MaxPool2d(2)),
        )
        self.fc = nn.Linear(8192, num_classes)
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)
        binarize_(self, binarization, float_layers=("features.0", "fc"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        return self.fc(torch.flatten(self.features(x), 1))


def _unit(in_channels: int, out_channels: int, *pool: nn.Module) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    nn.init.normal_(conv.weight, std=math.sqrt(2 / (9 * out_channels)))
    return conv, *pool, nn.BatchNorm2d(out_channels), nn.Hardtanh()
