"""LeNet-5 for 28x28 grey images, XNOR and float."""

from typing import Literal

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.nn import BinaryConv2d, BinaryLinear

__all__ = ["LeNet5"]

EPS = 1e-4
MIN_NORM_WEIGHT = 0.01


class ConvBlock(nn.Module):
    """BatchNorm, convolution, ReLU; the binary convolution takes the sign of what the BatchNorm returns."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, binary: bool) -> None:
        super().__init__()
        layer = BinaryConv2d if binary else nn.Conv2d
        self.bn = nn.BatchNorm2d(in_channels, eps=EPS)
        self.conv = layer(in_channels, out_channels, kernel_size)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H_out, W_out)."""
        return self.relu(self.conv(self.bn(x)))


class LinearBlock(nn.Module):
    """BatchNorm per channel, flatten in (C, H, W) order, linear layer, ReLU."""

    def __init__(self, in_channels: int, in_features: int, out_features: int, binary: bool) -> None:
        super().__init__()
        layer = BinaryLinear if binary else nn.Linear
        self.bn = nn.BatchNorm2d(in_channels, eps=EPS)
        self.flatten = nn.Flatten()
        self.linear = layer(in_features, out_features)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_features)."""
        return self.relu(self.linear(self.flatten(self.bn(x))))


class LeNet5(nn.Module):
    """LeNet-5: images (N, 1, 28, 28) float32 -> logits (N, num_classes).

    | name | layer | output |
    |---|---|---|
    | conv1 | convolution 1 -> 20, 5x5 | 20 x 24 x 24 |
    | bn1, relu1, pool1 | BatchNorm without affine, ReLU, max-pool 2 | 20 x 12 x 12 |
    | block2 | BatchNorm, binary convolution 20 -> 50, 5x5, ReLU | 50 x 8 x 8 |
    | pool2 | max-pool 2 | 50 x 4 x 4 |
    | block3 | BatchNorm per channel, flatten, binary linear 800 -> 500, ReLU | 500 |
    | classifier | linear 500 -> num_classes | num_classes |

    431,220 parameters for 10 classes, of which 425,000 are binary weights. With binarization="float" the two binary
    layers are an ordinary convolution and linear layer without sign; everything else is the same.

    Args:
        num_classes: number of logits.
        binarization: "xnor" or "float".

    Raises:
        InputError: another binarization.

    Source: LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998), in the Caffe variant with 20
    and 50 filters, made binary as in XNOR-Net (Rastegari et al., ECCV 2016: BatchNorm, sign, convolution, pooling;
    first and last layer float). Differences: no dropout, no input scales K, weights are not centred over the input
    channels.
    """

    def __init__(self, num_classes: int = 10, binarization: Literal["xnor", "float"] = "xnor") -> None:
        super().__init__()
        if binarization not in ("xnor", "float"):
            raise InputError(f"LeNet5: binarization={binarization!r}; required: 'xnor' or 'float'.")
        self.binary = binarization == "xnor"
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.bn1 = nn.BatchNorm2d(20, eps=EPS, affine=False)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.block2 = ConvBlock(20, 50, 5, self.binary)
        self.pool2 = nn.MaxPool2d(2)
        self.block3 = LinearBlock(50, 800, 500, self.binary)
        self.classifier = nn.Linear(500, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        x = self.pool1(self.relu1(self.bn1(self.conv1(x))))
        x = self.pool2(self.block2(x))
        return self.classifier(self.block3(x))

    @torch.no_grad()
    def project_(self) -> None:
        """Clamp the BatchNorm weights before a sign to >= 0.01 in place; the float twin stays as it is.

        At weight 0 a channel's bit would depend on the BatchNorm bias alone, and below 0 the sign would turn around
        during training. The clamp belongs after the optimizer step, not into forward, which stays free of mutation and
        traceable.
        """
        if self.binary:
            for block in (self.block2, self.block3):
                block.bn.weight.clamp_(min=MIN_NORM_WEIGHT)
