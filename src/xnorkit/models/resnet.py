"""ResNet-18 and ResNet-34 with the residual blocks that binary networks use; float as made."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.models.hierarchical_block import HBlock
from xnorkit.models.residual_blocks import Activation, BasicBlock, BiRealBlock, PreBasicBlock, ReactBlock
from xnorkit.models.stems import DaBNNStem
from xnorkit.ops import RPReLU

__all__ = ["BLOCK_TYPES", "STEM_TYPES", "BlockType", "ResNet", "StemType", "resnet18", "resnet34"]

Block = Callable[[int, int, int, Activation], nn.Module]  # in_channels, out_channels, stride, activation -> module
BlockType = Literal["basic", "prebasic", "bireal", "hierarchical", "react"]
StemType = Literal["basic", "dabnn", "cifar"]

BLOCK_TYPES: dict[str, Block] = {
    "basic": BasicBlock,
    "prebasic": PreBasicBlock,
    "bireal": lambda in_channels, out_channels, stride, activation: BiRealBlock(in_channels, out_channels, stride),
    "hierarchical": HBlock,
    "react": ReactBlock,
}
STEM_TYPES = ("basic", "dabnn", "cifar")
WIDTHS = (64, 128, 256, 512)


class ResNet(nn.Module):
    """Residual network: images (N, 3, H, W) float32 -> logits (N, num_classes).

    | name | layer | output at 224 x 224 | with the CIFAR stem at 32 x 32 |
    |---|---|---|---|
    | conv1, bn1, relu, maxpool | 7x7 / 2, BatchNorm, ReLU, max-pool 3x3 / 2 | 64 x 56 x 56 | 64 x 32 x 32 |
    | layer1 | blocks of 64 channels | 64 x 56 x 56 | 64 x 32 x 32 |
    | layer2 | blocks of 128 channels, the first with stride 2 | 128 x 28 x 28 | 128 x 16 x 16 |
    | layer3 | blocks of 256 channels, the first with stride 2 | 256 x 14 x 14 | 256 x 8 x 8 |
    | layer4 | blocks of 512 channels, the first with stride 2 | 512 x 7 x 7 | 512 x 4 x 4 |
    | avgpool, fc | mean over the positions, linear | num_classes | num_classes |

    A block is two 3x3 convolutions of the same width (`HBlock`: three); its shortcut, where the shape changes, is
    average pooling, 1x1 convolution (`downsample.1`), BatchNorm.

    Args:
        blocks: number of blocks in layer1 to layer4.
        num_classes: number of logits.
        block: makes a block of (in_channels, out_channels, stride, activation).
        activation: makes an activation for a number of channels.
        stem_type: "basic" as in the table, "dabnn" (`DaBNNStem` as conv1, no bn1), "cifar" (conv1 3x3 / 1, no pool).

    Source: He et al., Deep Residual Learning (CVPR 2016), table 1. Differs in the shortcut, which pools.
    """

    def __init__(
        self, blocks: tuple[int, int, int, int], num_classes: int, block: Block, activation: Activation, stem_type: str
    ) -> None:
        super().__init__()
        width = WIDTHS[0]
        self.conv1: nn.Module
        self.bn1: nn.Module = nn.BatchNorm2d(width)
        self.relu: nn.Module = nn.ReLU(inplace=True)
        self.maxpool: nn.Module = nn.MaxPool2d(3, 2, 1) if stem_type == "basic" else nn.Identity()
        if stem_type == "dabnn":
            self.conv1, self.bn1, self.relu = DaBNNStem(width), nn.Identity(), nn.Identity()
        else:
            kernel_size, stride = (7, 2) if stem_type == "basic" else (3, 1)
            self.conv1 = nn.Conv2d(3, width, kernel_size, stride, kernel_size // 2, bias=False)
        layers = []
        for index, (count, out_channels) in enumerate(zip(blocks, WIDTHS, strict=True)):
            first = block(width, out_channels, 1 if index == 0 else 2, activation)
            others = [block(out_channels, out_channels, 1, activation) for _ in range(count - 1)]
            layers.append(nn.Sequential(first, *others))
            width = out_channels
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def resnet18(
    num_classes: int = 1000,
    rprelu: bool = False,
    block_type: BlockType | Block = "basic",
    stem_type: StemType = "basic",
) -> ResNet:
    """Return a float ResNet-18, see `ResNet`; `prepare_binary_model` makes it binary.

    11,689,512 parameters with the default block and 1000 classes. `basic` is the plain residual block, whose
    convolutions read what a ReLU returns: nothing below 0, so that plain signs of it are all +1. Binarize it with a
    learned shift (`InputBiasBinarizer`), or take another block.

    Args:
        num_classes: number of logits.
        rprelu: RPReLU in the blocks in place of ReLU.
        block_type: "basic" (`BasicBlock`), "prebasic" (`PreBasicBlock`), "bireal" (`BiRealBlock`), "hierarchical"
            (`HBlock`), "react" (`ReactBlock`, with RPReLU always); or a function of (in_channels, out_channels, stride,
            activation) that returns a module.
        stem_type: "basic" (7x7 / 2, pool), "dabnn" (`DaBNNStem`), "cifar" (3x3, no pool).

    Raises:
        InputError: an unknown block or stem, rprelu with "bireal", or fewer than one class.

    Example:
        >>> model = resnet18(num_classes=10, block_type="react", stem_type="cifar")
        >>> bconfig = BConfig(InputBiasBinarizer, weight_pre_process=XNORWeightBinarizer)
        >>> prepare_binary_model(model, bconfig, ignore_layers_name=["_first_", "_last_", "$downsample$"])
    """
    return _resnet((2, 2, 2, 2), num_classes, rprelu, block_type, stem_type)


def resnet34(
    num_classes: int = 1000,
    rprelu: bool = False,
    block_type: BlockType | Block = "basic",
    stem_type: StemType = "basic",
) -> ResNet:
    """Return a float ResNet-34: as `resnet18`, with 3, 4, 6, 3 blocks; 21,797,672 parameters."""
    return _resnet((3, 4, 6, 3), num_classes, rprelu, block_type, stem_type)


def _resnet(
    blocks: tuple[int, int, int, int], num_classes: int, rprelu: bool, block_type: BlockType | Block, stem_type: str
) -> ResNet:
    if not callable(block_type) and block_type not in BLOCK_TYPES:
        raise InputError(f"block_type={block_type!r}; required: one of {', '.join(BLOCK_TYPES)}, or a function.")
    if stem_type not in STEM_TYPES:
        raise InputError(f"stem_type={stem_type!r}; required: one of {', '.join(STEM_TYPES)}.")
    if num_classes < 1:
        raise InputError(f"num_classes={num_classes}; required: at least 1.")
    if block_type in ("bireal", BiRealBlock) and rprelu:
        raise InputError("rprelu=True with block_type='bireal', which has no activation; use block_type='react'.")
    make = RPReLU if rprelu or block_type in ("react", ReactBlock) else _relu
    return ResNet(blocks, num_classes, block_type if callable(block_type) else BLOCK_TYPES[block_type], make, stem_type)


def _relu(channels: int) -> nn.Module:
    return nn.ReLU(inplace=True)
