"""Residual blocks of two 3x3 convolutions that differ in the place of batch norm, activation and shortcut."""

from collections.abc import Callable

from torch import Tensor, nn

from xnorkit.nn.compact_unit import compact_shortcut, compact_unit

__all__ = [
    "Activation",
    "BasicBlock",
    "BiRealBlock",
    "Block",
    "PreBasicBlock",
    "ReactBlock",
    "conv3x3",
    "norm_shortcuts_",
    "shortcut",
]

Activation = Callable[[int], nn.Module]  # channels -> module
Block = Callable[[int, int, int, Activation], nn.Module]  # in_channels, out_channels, stride, activation -> module


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution with padding 1 and without bias."""
    return nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module | None:
    """Return the module that brings a block's input to the shape of its output; None if the shapes are equal.

    It consists of average pooling with the stride, 1x1 convolution and BatchNorm. Pooling keeps every position in the
    float path, whereas the strided 1x1 convolution of He et al. drops three of four.
    """
    if stride == 1 and in_channels == out_channels:
        return None
    pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity()
    return nn.Sequential(pool, nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))


def norm_shortcuts_(model: nn.Module) -> None:
    """Put a BatchNorm before the 1x1 convolution of every shortcut of `model`, in place, so that it can take signs.

    The input of a shortcut is often never negative, so its plain signs would all be +1. The BatchNorm joins the pooling
    under `downsample.0`, so that names do not change.
    """
    for block in model.modules():
        downsample = getattr(block, "downsample", None)
        if isinstance(downsample, nn.Sequential) and isinstance(downsample[1], nn.Conv2d):
            downsample[0] = nn.Sequential(downsample[0], nn.BatchNorm2d(downsample[1].in_channels))


class _TwoConvs(nn.Module):
    """The common parts of these blocks: two 3x3 convolutions, two batch norms, two activations, a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, activation: Activation, *, pre: bool) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(in_channels if pre else out_channels)
        self.act1 = activation(out_channels)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.act2 = activation(out_channels)
        self.downsample = shortcut(in_channels, out_channels, stride)

    def _identity(self, x: Tensor) -> Tensor:
        return x if self.downsample is None else compact_shortcut(self.downsample, self.conv1, x)


class BasicBlock(_TwoConvs):
    """Returns act(bn(conv(act(bn(conv(x))))) + x): (N, C_in, H, W) -> (N, C_out, H / stride, W / stride).

    With ReLU, the convolutions read values >= 0, whose plain signs are all +1: binarize this block with a learned shift
    (RSign), or use another block.

    Source: He et al., Deep Residual Learning (CVPR 2016), figure 2; the shortcut differs, see `shortcut`.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, activation: Activation) -> None:
        super().__init__(in_channels, out_channels, stride, activation, pre=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H / stride, W / stride)."""
        y = self.act1(self.bn1(self.conv1(x)))
        return self.act2(self.bn2(self.conv2(y)) + self._identity(x))


class PreBasicBlock(_TwoConvs):
    """Returns act(conv(bn(act(conv(bn(x)))))) + x: a BatchNorm precedes each convolution, and thus each sign.

    Source: the block order of XNOR-Net (Rastegari et al., ECCV 2016) in the residual form of Bulat's
    binary-networks-pytorch.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, activation: Activation) -> None:
        super().__init__(in_channels, out_channels, stride, activation, pre=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H / stride, W / stride)."""
        y = compact_unit(self.bn1, self.conv1, self.act1, x)
        return compact_unit(self.bn2, self.conv2, self.act2, y) + self._identity(x)


class ReactBlock(_TwoConvs):
    """Returns two units y = act(bn(conv(x)) + x): a shortcut around every convolution, an activation after the sum.

    With RPReLU as activation and RSign before the convolutions, this is the ResNet block of ReActNet. With hardtanh
    and a plain sign, it is that of IR-Net on CIFAR-10.

    Source: Liu et al., ReActNet (ECCV 2020), figure 4, in its ResNet form; Qin et al., IR-Net (CVPR 2020), its code.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, activation: Activation) -> None:
        super().__init__(in_channels, out_channels, stride, activation, pre=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H / stride, W / stride)."""
        y = self.act1(self.bn1(self.conv1(x)) + self._identity(x))
        return self.act2(self.bn2(self.conv2(y)) + y)


class BiRealBlock(_TwoConvs):
    """Returns two units y = bn(conv(hardtanh(x))) + x: a shortcut around every convolution, nothing after the sum.

    sign(hardtanh(x)) = sign(x), with the same straight-through gradient, which is 0 for |x| >= 1. The clip changes
    nothing if the convolution is binary, and is the non-linearity if it is float.

    Source: Liu et al., Bi-Real Net (ECCV 2018), figure 3 and, for the clip of the float stage, section 3.3.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, stride, lambda channels: nn.Hardtanh(), pre=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H / stride, W / stride)."""
        y = self.bn1(self.conv1(self.act1(x))) + self._identity(x)
        return self.bn2(self.conv2(self.act2(y))) + y
