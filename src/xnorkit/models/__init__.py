"""The model registry, and one file per architecture."""

from xnorkit.models.alexnet import AlexNet
from xnorkit.models.alexnet_224 import AlexNet224
from xnorkit.models.binarization import BINARIZATIONS, binarize_
from xnorkit.models.binary_resnet import binary_resnet
from xnorkit.models.bireal_resnet50 import BiRealBottleneck, BiRealResNet50
from xnorkit.models.bottleneck_blocks import Bottleneck, PreBottleneck
from xnorkit.models.dropped_signs import DroppedSigns
from xnorkit.models.hierarchical_block import HBlock
from xnorkit.models.lenet5 import LeNet5
from xnorkit.models.nin import NIN
from xnorkit.models.nin_cifar10 import NINCifar10
from xnorkit.models.norm_first_blocks import NormFirstConv, NormFirstLinear
from xnorkit.models.quicknet import QuickNet
from xnorkit.models.reactnet_a import ReActMobileBlock, ReActNetA
from xnorkit.models.registry import ModelCounts, binarizations, count_weights, create_model, input_shape, list_models
from xnorkit.models.residual_blocks import BasicBlock, BiRealBlock, PreBasicBlock, ReactBlock
from xnorkit.models.resnet import ResNet, resnet, resnet18, resnet20, resnet34, resnet50
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
