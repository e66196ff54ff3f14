"""Network in Network for 32x32 colour images."""

import torch
from torch import Tensor, nn

from xnorkit.models.binarization import binarize_
from xnorkit.models.norm_first_blocks import EPS, NormFirstConv

__all__ = ["NINCifar10"]

MIN_NORM_WEIGHT = 0.01
STD = 0.05


class NINCifar10(nn.Module):
    """Network in Network: images (N, 3, 32, 32) float32 -> logits (N, num_classes).

    | name | layer | output |
    |---|---|---|
    | xnor.0 - xnor.2 | convolution 3 -> 192, 5x5, BatchNorm without affine, ReLU | 192 x 32 x 32 |
    | xnor.3 | BatchNorm, binary convolution 192 -> 160, 1x1, ReLU | 160 x 32 x 32 |
    | xnor.4 | BatchNorm, binary convolution 160 -> 96, 1x1, ReLU | 96 x 32 x 32 |
    | xnor.5 | max-pool 3 / 2, padding 1 | 96 x 16 x 16 |
    | xnor.6 | BatchNorm, sign, dropout 0.5, binary convolution 96 -> 192, 5x5, ReLU | 192 x 16 x 16 |
    | xnor.7, xnor.8 | twice: BatchNorm, binary convolution 192 -> 192, 1x1, ReLU | 192 x 16 x 16 |
    | xnor.9 | average pool 3 / 2, padding 1 | 192 x 8 x 8 |
    | xnor.10 | BatchNorm, sign, dropout 0.5, binary convolution 192 -> 192, 3x3, ReLU | 192 x 8 x 8 |
    | xnor.11 | BatchNorm, binary convolution 192 -> 192, 1x1, ReLU | 192 x 8 x 8 |
    | xnor.12 - xnor.14 | BatchNorm without affine, convolution 192 -> num_classes, 1x1, ReLU | num_classes x 8 x 8 |
    | xnor.15 | average pool 8, flatten | num_classes |

    With 10 classes it has 969,418 parameters, of which 949,248 are binary weights. Convolutions have a bias; their
    weights start at N(0, 0.05), biases at 0. The weights of the batch normalizations before a sign stay at 0.01 or
    above (`xnorkit.nn.project_`). Names are those of the reference's checkpoints.

    Args:
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`.
        dropout: the fraction of the values that training drops at xnor.6 and xnor.10; 0 suits short runs.

    Raises:
        InputError: the binarization is unknown.

    Source: Lin et al., Network in Network (ICLR 2014), with 192, 160, 96 channels as in its code, made binary as in
    jiecaoyu/XNOR-Net-PyTorch. Differences from the latter: weights are not centred over the input channels, and
    the clamp of the batch normalizations follows the optimizer step.
    """

    def __init__(self, num_classes: int = 10, binarization: str = "xnor", dropout: float = 0.5) -> None:
        super().__init__()
        self.xnor = nn.Sequential(
            nn.Conv2d(3, 192, 5, padding=2),
            nn.BatchNorm2d(192, eps=EPS, affine=False),
            nn.ReLU(),
            _block(192, 160, 1),
            _block(160, 96, 1),
            nn.MaxPool2d(3, 2, 1),
            _block(96, 192, 5, dropout=dropout),
            _block(192, 192, 1),
            _block(192, 192, 1),
            nn.AvgPool2d(3, 2, 1),
            _block(192, 192, 3, dropout=dropout),
            _block(192, 192, 1),
            nn.BatchNorm2d(192, eps=EPS, affine=False),
            nn.Conv2d(192, num_classes, 1),
            nn.ReLU(),
            nn.AvgPool2d(8, ceil_mode=True),  # also accepts smaller maps, for progressive resizing
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=STD)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        binarize_(self, binarization, float_layers=("xnor.0", "xnor.13"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        return torch.flatten(self.xnor(x), 1)


def _block(in_channels: int, out_channels: int, kernel_size: int, dropout: float = 0.0) -> NormFirstConv:
    return NormFirstConv(
        in_channels,
        out_channels,
        kernel_size,
        padding=kernel_size // 2,
        dropout=dropout,
        min_norm_weight=MIN_NORM_WEIGHT,
    )
