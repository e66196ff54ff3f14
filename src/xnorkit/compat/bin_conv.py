"""`BinConv2d` of XNOR-Net-PyTorch, the block of its models."""

from torch import Tensor, nn

from xnorkit.compat.bin_active import BinActive
from xnorkit.errors import InputError

__all__ = ["BinConv2d"]


class BinConv2d(nn.Module):
    """Batch normalization, sign, dropout, convolution or linear layer, ReLU, in this order.

    (N, input_channels, H, W) -> (N, output_channels, H_out, W_out); with `Linear`, (N, input_channels) -> (N,
    output_channels), or with `previous_conv` from (N, input_channels / size, H, W) where H * W = size. The weights are
    ordinary float weights with the names `bn`, `conv` and `linear` of the reference's checkpoints; `BinOp` binarizes
    them. A convolution pads the signs with zeros.

    Args:
        input_channels: the channels of a convolution, or the features of a linear layer.
        output_channels: the channels or features of the result.
        kernel_size, stride, padding, groups: as in `torch.nn.Conv2d`. A convolution needs the first three; the default
            -1 of the reference only marks them as unused with `Linear`.
        dropout: the fraction of the signs that training sets to 0, between 0 and 1.
        Linear: use a linear layer instead of the convolution.
        previous_conv: with `Linear`, the input comes from a convolution. The block flattens it after the batch
            normalization, which thus has one mean per channel instead of one per feature.
        size: with `previous_conv`, H * W of that input.

    Raises:
        InputError: a convolution lacks kernel_size, stride or padding, or `size` does not divide the features.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), figure 3 (without its pooling, which the models hold), as in
    jiecaoyu/XNOR-Net-PyTorch.
    """

    def __init__(  # noqa: PLR0917 - the signature of the reference
        self,
        input_channels: int,
        output_channels: int,
        kernel_size: int = -1,
        stride: int = -1,
        padding: int = -1,
        groups: int = 1,
        dropout: float = 0,
        Linear: bool = False,
        previous_conv: bool = False,
        size: int = 0,
    ) -> None:
        super().__init__()
        self.layer_type = "BinConv2d"
        self.input_channels, self.kernel_size, self.stride, self.padding = input_channels, kernel_size, stride, padding
        self.dropout_ratio, self.Linear, self.previous_conv = dropout, Linear, previous_conv
        if dropout != 0:
            self.dropout = nn.Dropout(dropout)
        if not Linear:
            _check_convolution(kernel_size, stride, padding)
            self.bn: nn.Module = nn.BatchNorm2d(input_channels, eps=1e-4)
            self.conv = nn.Conv2d(input_channels, output_channels, kernel_size, stride, padding, groups=groups)
        else:
            self.bn = _bn_before_linear(input_channels, size) if previous_conv else nn.BatchNorm1d(input_channels, 1e-4)
            self.linear = nn.Linear(input_channels, output_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, which is never negative."""
        x = BinActive.apply(self.bn(x))
        if self.dropout_ratio != 0:
            x = self.dropout(x)
        if not self.Linear:
            return self.relu(self.conv(x))
        if self.previous_conv:
            x = x.reshape(x.size(0), self.input_channels)
        return self.relu(self.linear(x))


def _check_convolution(kernel_size: int, stride: int, padding: int) -> None:
    if kernel_size < 1 or stride < 1 or padding < 0:
        raise InputError(
            f"BinConv2d: kernel_size={kernel_size}, stride={stride}, padding={padding}, but a convolution needs at "
            "least 1, 1 and 0. Pass all three, or Linear=True."
        )


def _bn_before_linear(features: int, size: int) -> nn.BatchNorm2d:
    if size < 1 or features % size:
        raise InputError(
            f"BinConv2d: previous_conv=True with size={size} for {features} features, but size must be H * W of the "
            "input, a divisor of the features. Pass, for example, size=16 for channels of 4 x 4."
        )
    return nn.BatchNorm2d(features // size, eps=1e-4)
