"""LeNet-5 for 28x28 grey images."""

from torch import Tensor, nn

from xnorkit.models.binarization import binarize_
from xnorkit.models.norm_first_blocks import EPS, NormFirstConv, NormFirstLinear

__all__ = ["LeNet5"]

MIN_NORM_WEIGHT = 0.01


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

    With 10 classes it has 431,220 parameters, of which 425,000 are binary weights. With binarization="float" the two
    binary layers are an ordinary convolution and linear layer without a sign; the rest does not change. The weights
    of the batch normalizations before a sign stay at 0.01 or above (`xnorkit.nn.project_`).

    Args:
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`.

    Raises:
        InputError: the binarization is unknown.

    Source: LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998), in the Caffe variant with 20
    and 50 filters, made binary as in XNOR-Net (Rastegari et al., ECCV 2016: BatchNorm, sign, convolution, pooling;
    first and last layer float). Differences: no dropout, no input scales K, weights are not centred over the input
    channels.
    """

    def __init__(self, num_classes: int = 10, binarization: str = "xnor") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.bn1 = nn.BatchNorm2d(20, eps=EPS, affine=False)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.block2 = NormFirstConv(20, 50, 5, min_norm_weight=MIN_NORM_WEIGHT)
        self.pool2 = nn.MaxPool2d(2)
        self.block3 = NormFirstLinear(800, 500, channels=50, min_norm_weight=MIN_NORM_WEIGHT)
        self.classifier = nn.Linear(500, num_classes)
        binarize_(self, binarization, float_layers=("conv1", "classifier"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        x = self.pool1(self.relu1(self.bn1(self.conv1(x))))
        x = self.pool2(self.block2(x))
        return self.classifier(self.block3(x))
