"""Model registry and one file per architecture."""

from xnorkit.models.hierarchical_block import HBlock
from xnorkit.models.lenet5 import LeNet5
from xnorkit.models.registry import create_model, input_shape, list_models
from xnorkit.models.residual_blocks import BasicBlock, BiRealBlock, PreBasicBlock, ReactBlock
from xnorkit.models.resnet import ResNet, resnet18, resnet34
from xnorkit.models.stems import DaBNNStem
from xnorkit.models.xnor_resnet18 import xnor_resnet18

__all__ = [
    "BasicBlock",
    "BiRealBlock",
    "DaBNNStem",
    "HBlock",
    "LeNet5",
    "PreBasicBlock",
    "ReactBlock",
    "ResNet",
    "create_model",
    "input_shape",
    "list_models",
    "resnet18",
    "resnet34",
    "xnor_resnet18",
]
