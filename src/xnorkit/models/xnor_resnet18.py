"""ResNet-18 as XNOR-Net binarizes it, for the registry."""

from typing import Literal

from xnorkit.errors import InputError
from xnorkit.models.resnet import ResNet, StemType, resnet18
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, XNORWeightBinarizer

__all__ = ["xnor_resnet18"]

FLOAT_LAYERS = ("_first_", "_last_", "$downsample$")


def xnor_resnet18(
    num_classes: int = 1000, binarization: Literal["xnor", "float"] = "xnor", stem_type: StemType = "basic"
) -> ResNet:
    """Return ResNet-18 of `PreBasicBlock` (BatchNorm, sign, convolution, ReLU), XNOR or float.

    First and last layer and the 1x1 convolutions of the shortcuts stay float. Of 11,688,616 parameters for 1000
    classes, 10,985,472 are binary weights. With binarization="float" it is the same network without signs.

    Raises:
        InputError: another binarization.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), section 4.2. Differs: no input scales K.
    """
    if binarization not in ("xnor", "float"):
        raise InputError(f"xnor_resnet18: binarization={binarization!r}; required: 'xnor' or 'float'.")
    model = resnet18(num_classes, block_type="prebasic", stem_type=stem_type)
    if binarization == "xnor":
        bconfig = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
        prepare_binary_model(model, bconfig, ignore_layers_name=FLOAT_LAYERS)
    return model
