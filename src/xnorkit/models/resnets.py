"""ResNet-18, -20, -34 and -50 with the residual blocks of binary networks, in float."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.models.bottleneck_blocks import EXPANSION, Bottleneck, PreBottleneck
from xnorkit.models.hierarchical_block import HBlock
from xnorkit.models.residual_blocks import (
    Activation,
    BasicBlock,
    BiRealBlock,
    Block,
    PreBasicBlock,
    ReactBlock,
    norm_shortcuts_,
)
from xnorkit.models.stems import DaBNNStem
from xnorkit.nn.compact_unit import compact_stem
from xnorkit.ops import RPReLU

__all__ = [
    "BlockType",
    "ResNet",
    "ShortcutType",
    "StemType",
    "resnet",
    "resnet18",
    "resnet20",
    "resnet34",
    "resnet50",
]

BlockType = Literal["basic", "prebasic", "bireal", "hierarchical", "react", "irnet"]
StemType = Literal["basic", "dabnn", "cifar"]
ShortcutType = Literal["float", "binary"]

STEM_TYPES = ("basic", "dabnn", "cifar")
SHORTCUT_TYPES = ("float", "binary")


@dataclass(frozen=True)
class _Kind:
    """A block type: block, activation (None means ReLU, or RPReLU on request), end of the stem, and bottleneck.

    `feature_norm` tells whether a BatchNorm precedes the last layer.
    """

    block: Block
    activation: Activation | None = None
    stem_activation: type[nn.Module] = nn.ReLU
    bottleneck: Block | None = None
    feature_norm: bool = False


def _hardtanh(channels: int) -> nn.Module:
    return nn.Hardtanh()


def _relu(channels: int) -> nn.Module:
    return nn.ReLU(inplace=True)


# Blocks that take the sign of the sum itself need a stem with values of both signs, so it does not end in a ReLU.
BLOCK_TYPES: dict[str, _Kind] = {
    "basic": _Kind(BasicBlock, bottleneck=Bottleneck),
    "prebasic": _Kind(PreBasicBlock, bottleneck=PreBottleneck),
    "bireal": _Kind(
        lambda in_channels, out_channels, stride, activation: BiRealBlock(in_channels, out_channels, stride),
        activation=_hardtanh,
        stem_activation=nn.Identity,
    ),
    "hierarchical": _Kind(HBlock),
    "react": _Kind(ReactBlock, activation=RPReLU, stem_activation=nn.Identity),
    "irnet": _Kind(ReactBlock, activation=_hardtanh, stem_activation=nn.Hardtanh, feature_norm=True),
}


@dataclass(frozen=True)
class _Depth:
    blocks: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    bottleneck: bool = False


DEPTHS = {
    18: _Depth((2, 2, 2, 2)),
    20: _Depth((3, 3, 3), (16, 32, 64)),
    34: _Depth((3, 4, 6, 3)),
    50: _Depth((3, 4, 6, 3), bottleneck=True),
}


class ResNet(nn.Module):
    """Residual network: images (N, 3, H, W) float32 -> logits (N, num_classes).

    | name | layer | output at 224 x 224 | with the CIFAR stem at 32 x 32 |
    |---|---|---|---|
    | conv1, bn1, relu, maxpool | 7x7 / 2, BatchNorm, ReLU, max-pool 3x3 / 2 | 64 x 56 x 56 | 64 x 32 x 32 |
    | layer1 | blocks of 64 channels | 64 x 56 x 56 | 64 x 32 x 32 |
    | layer2 | blocks of 128 channels, the first with stride 2 | 128 x 28 x 28 | 128 x 16 x 16 |
    | layer3 | blocks of 256 channels, the first with stride 2 | 256 x 14 x 14 | 256 x 8 x 8 |
    | layer4 | blocks of 512 channels, the first with stride 2 | 512 x 7 x 7 | 512 x 4 x 4 |
    | avgpool, bn2, fc | mean over the positions, BatchNorm if `feature_norm`, linear | num_classes | num_classes |

    A block has two 3x3 convolutions of the same width (`HBlock`: three). Where the shape changes, its shortcut consists
    of average pooling, 1x1 convolution (`downsample.1`) and BatchNorm. ResNet-50 has bottlenecks of four times these
    widths, and ResNet-20 three layers of 16, 32, 64 channels after a stem of 16.

    Args:
        blocks: the number of blocks in each layer.
        num_classes: the number of logits.
        block: a function of (in_channels, out_channels, stride, activation) that returns a block.
        activation: a function of the number of channels that returns an activation.
        stem_type: "basic" as in the table, "dabnn" (`DaBNNStem` as conv1, no bn1), "cifar" (conv1 3x3 / 1, no pool).
        widths: the output channels of the blocks of each layer, as many as `blocks`.
        stem_width: the output channels of the stem.
        stem_activation: the last activation of the stem; ReLU by default.
        feature_norm: whether a BatchNorm precedes fc.

    Source: He et al., Deep Residual Learning (CVPR 2016), table 1. Difference: the shortcut pools.
    """

    # The name of the stem in the fork of the `bnn` package, for the arguments of `prepare_binary_model`.
    layer_aliases: ClassVar[Mapping[str, str]] = {"first_conv": "conv1"}

    def __init__(
        self,
        blocks: tuple[int, ...],
        num_classes: int,
        block: Block,
        activation: Activation,
        stem_type: str,
        *,
        widths: tuple[int, ...] = (64, 128, 256, 512),
        stem_width: int = 64,
        stem_activation: nn.Module | None = None,
        feature_norm: bool = False,
    ) -> None:
        super().__init__()
        width = stem_width
        self.conv1: nn.Module
        self.bn1: nn.Module = nn.BatchNorm2d(width)
        self.relu: nn.Module = nn.ReLU(inplace=True) if stem_activation is None else stem_activation
        self.maxpool: nn.Module = nn.MaxPool2d(3, 2, 1) if stem_type == "basic" else nn.Identity()
        if stem_type == "dabnn":
            self.conv1, self.bn1, self.relu = DaBNNStem(width, self.relu), nn.Identity(), nn.Identity()
        else:
            kernel_size, stride = (7, 2) if stem_type == "basic" else (3, 1)
            self.conv1 = nn.Conv2d(3, width, kernel_size, stride, kernel_size // 2, bias=False)
        self.depth = len(blocks)
        for index, (count, out_channels) in enumerate(zip(blocks, widths, strict=True)):
            first = block(width, out_channels, 1 if index == 0 else 2, activation)
            others = [block(out_channels, out_channels, 1, activation) for _ in range(count - 1)]
            self.add_module(f"layer{index + 1}", nn.Sequential(first, *others))
            width = out_channels
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.bn2: nn.Module = nn.BatchNorm1d(width) if feature_norm else nn.Identity()
        self.fc = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        x = self.maxpool(compact_stem(self.bn1, self.relu, self, self.conv1(x)))
        for index in range(self.depth):
            x = self.get_submodule(f"layer{index + 1}")(x)
        return self.fc(self.bn2(torch.flatten(self.avgpool(x), 1)))


def resnet(  # noqa: PLR0917 - as resnet18 and its siblings
    depth: int,
    num_classes: int = 1000,
    rprelu: bool = False,
    block_type: BlockType | Block = "basic",
    stem_type: StemType = "basic",
    shortcut_type: ShortcutType = "float",
) -> ResNet:
    """Return a float `ResNet`, which `xnorkit.nn.prepare_binary_model` makes binary.

    `basic` is the plain residual block, whose convolutions read the output of a ReLU. It is never below 0, so its plain
    signs are all +1. Binarize this block with a learned shift (`InputBiasBinarizer`), or use another block.

    Args:
        depth: 18, 20, 34 or 50.
        num_classes: the number of logits.
        rprelu: use RPReLU instead of ReLU in the blocks.
        block_type: "basic" (`BasicBlock`), "prebasic" (`PreBasicBlock`), "bireal" (`BiRealBlock`), "hierarchical"
            (`HBlock`), "react" (`ReactBlock` with RPReLU), "irnet" (`ReactBlock` with hardtanh); or a function of
            (in_channels, out_channels, stride, activation) that returns a module. Depth 50 has bottlenecks: "basic"
            (`Bottleneck`), "prebasic" (`PreBottleneck`) or a function. The stem of "bireal" and "react" does not end in
            a ReLU, because their first convolution takes the sign of its output. The stem of "irnet" ends in hardtanh,
            and a BatchNorm precedes the last layer.
        stem_type: "basic" (7x7 / 2, pool), "dabnn" (`DaBNNStem`), "cifar" (3x3, no pool).
        shortcut_type: "float" or "binary", which puts a BatchNorm before the 1x1 convolutions of the shortcuts, so that
            they can become binary too.

    Raises:
        InputError: the depth, block, stem or shortcut is unknown, the block has another activation than rprelu, or
            there is less than one class.
    """
    if depth not in DEPTHS:
        raise InputError(f"depth={depth}, but it must be one of {', '.join(map(str, DEPTHS))}.")
    shape = DEPTHS[depth]
    kinds = {name: kind for name, kind in BLOCK_TYPES.items() if kind.bottleneck or not shape.bottleneck}
    if not callable(block_type) and block_type not in kinds:
        raise InputError(f"block_type={block_type!r}, but it must be one of {', '.join(kinds)}, or a function.")
    _check_choice("stem_type", stem_type, STEM_TYPES)
    _check_choice("shortcut_type", shortcut_type, SHORTCUT_TYPES)
    if num_classes < 1:
        raise InputError(f"num_classes={num_classes}, but it must be at least 1.")
    kind = _kind_of(block_type)
    block = kind.bottleneck if shape.bottleneck and kind.bottleneck else kind.block
    if rprelu and kind.activation not in (None, RPReLU):
        raise InputError(
            f"rprelu=True needs a block with ReLU, but block_type={block_type!r} has its own activation. Use "
            "block_type='react'."
        )
    model = ResNet(
        shape.blocks,
        num_classes,
        block,
        kind.activation or (RPReLU if rprelu else _relu),
        stem_type,
        widths=tuple(width * EXPANSION for width in shape.widths) if shape.bottleneck else shape.widths,
        stem_width=shape.widths[0],
        stem_activation=kind.stem_activation(),
        feature_norm=kind.feature_norm,
    )
    if shortcut_type == "binary":
        norm_shortcuts_(model)
    return model


def resnet18(
    num_classes: int = 1000,
    rprelu: bool = False,
    block_type: BlockType | Block = "basic",
    stem_type: StemType = "basic",
    shortcut_type: ShortcutType = "float",
) -> ResNet:
    """Return a float ResNet-18, 11,689,512 parameters with the default block and 1000 classes; see `resnet`.

    Examples:
        >>> model = resnet18(num_classes=10, block_type="react", stem_type="cifar")
        >>> bconfig = BConfig(InputBiasBinarizer, weight_pre_process=XNORWeightBinarizer)
        >>> prepare_binary_model(model, bconfig, ignore_layers_name=["_first_", "_last_", "$downsample$"])
    """
    return resnet(18, num_classes, rprelu, block_type, stem_type, shortcut_type)


def resnet20(
    num_classes: int = 10,
    rprelu: bool = False,
    block_type: BlockType | Block = "basic",
    stem_type: StemType = "cifar",
    shortcut_type: ShortcutType = "float",
) -> ResNet:
    """Return a float ResNet-20 for CIFAR: three layers of 3 blocks of 16, 32, 64 channels; see `resnet`."""
    return resnet(20, num_classes, rprelu, block_type, stem_type, shortcut_type)


def resnet34(
    num_classes: int = 1000,
    rprelu: bool = False,
    block_type: BlockType | Block = "basic",
    stem_type: StemType = "basic",
    shortcut_type: ShortcutType = "float",
) -> ResNet:
    """Return a float ResNet-34: as `resnet18`, with 3, 4, 6, 3 blocks; 21,797,672 parameters; see `resnet`."""
    return resnet(34, num_classes, rprelu, block_type, stem_type, shortcut_type)


def resnet50(
    num_classes: int = 1000,
    rprelu: bool = False,
    block_type: BlockType | Block = "basic",
    stem_type: StemType = "basic",
    shortcut_type: ShortcutType = "float",
) -> ResNet:
    """Return a float ResNet-50: 3, 4, 6, 3 bottlenecks; 25,557,032 parameters with the default block; see `resnet`."""
    return resnet(50, num_classes, rprelu, block_type, stem_type, shortcut_type)


def _kind_of(block_type: BlockType | Block) -> _Kind:
    """Return the kind of a block type; the class of a known block has its kind, and any other function has ReLU."""
    if not callable(block_type):
        return BLOCK_TYPES[block_type]
    chosen: object = block_type
    if chosen is BiRealBlock:
        return BLOCK_TYPES["bireal"]
    same = (kind for kind in BLOCK_TYPES.values() if chosen in (kind.block, kind.bottleneck))
    return next(same, _Kind(block_type))


def _check_choice(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{what}={value!r}, but it must be one of {', '.join(known)}.")
