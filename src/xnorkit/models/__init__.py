"""The model registry, and one file per architecture."""

import typing

from xnorkit.lazy import attach as _attach

if typing.TYPE_CHECKING:
    from xnorkit.models.alexnet import AlexNet
    from xnorkit.models.alexnet_224 import AlexNet224
    from xnorkit.models.binarization import BINARIZATIONS, binarize_
    from xnorkit.models.binary_resnet import binary_resnet
    from xnorkit.models.bireal_resnet50 import BiRealBottleneck, BiRealResNet50
    from xnorkit.models.bottleneck_blocks import Bottleneck, PreBottleneck
    from xnorkit.models.counts import ModelCounts, count_weights
    from xnorkit.models.dropped_signs import DroppedSigns
    from xnorkit.models.hierarchical_block import HBlock
    from xnorkit.models.lenet5 import LeNet5
    from xnorkit.models.nin import NIN
    from xnorkit.models.nin_cifar10 import NINCifar10
    from xnorkit.models.norm_first_blocks import NormFirstConv, NormFirstLinear
    from xnorkit.models.quicknet import QuickNet
    from xnorkit.models.reactnet_a import ReActMobileBlock, ReActNetA
    from xnorkit.models.registry import binarizations, create_model, input_shape, list_models
    from xnorkit.models.residual_blocks import BasicBlock, BiRealBlock, PreBasicBlock, ReactBlock
    from xnorkit.models.resnets import ResNet, resnet, resnet18, resnet20, resnet34, resnet50
    from xnorkit.models.stems import DaBNNStem
    from xnorkit.models.vgg_small import VGGSmall

__all__ = [
    "BINARIZATIONS",
    "NIN",
    "AlexNet",
    "AlexNet224",
    "BasicBlock",
    "BiRealBlock",
    "BiRealBottleneck",
    "BiRealResNet50",
    "Bottleneck",
    "DaBNNStem",
    "DroppedSigns",
    "HBlock",
    "LeNet5",
    "ModelCounts",
    "NINCifar10",
    "NormFirstConv",
    "NormFirstLinear",
    "PreBasicBlock",
    "PreBottleneck",
    "QuickNet",
    "ReActMobileBlock",
    "ReActNetA",
    "ReactBlock",
    "ResNet",
    "VGGSmall",
    "binarizations",
    "binarize_",
    "binary_resnet",
    "count_weights",
    "create_model",
    "input_shape",
    "list_models",
    "resnet",
    "resnet18",
    "resnet20",
    "resnet34",
    "resnet50",
]

_NAMES = {
    "alexnet": ("AlexNet",),
    "alexnet_224": ("AlexNet224",),
    "binarization": ("BINARIZATIONS", "binarize_"),
    "binary_resnet": ("binary_resnet",),
    "bireal_resnet50": ("BiRealBottleneck", "BiRealResNet50"),
    "bottleneck_blocks": ("Bottleneck", "PreBottleneck"),
    "counts": ("ModelCounts", "count_weights"),
    "dropped_signs": ("DroppedSigns",),
    "hierarchical_block": ("HBlock",),
    "lenet5": ("LeNet5",),
    "nin": ("NIN",),
    "nin_cifar10": ("NINCifar10",),
    "norm_first_blocks": ("NormFirstConv", "NormFirstLinear"),
    "quicknet": ("QuickNet",),
    "reactnet_a": ("ReActMobileBlock", "ReActNetA"),
    "registry": ("binarizations", "create_model", "input_shape", "list_models"),
    "residual_blocks": ("BasicBlock", "BiRealBlock", "PreBasicBlock", "ReactBlock"),
    "resnets": ("ResNet", "resnet", "resnet18", "resnet20", "resnet34", "resnet50"),
    "stems": ("DaBNNStem",),
    "vgg_small": ("VGGSmall",),
}


if not typing.TYPE_CHECKING:  # a name that does not exist is an error for type checkers
    __getattr__, __dir__ = _attach(__name__, _NAMES)
