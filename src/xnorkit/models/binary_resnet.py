"""Binary ResNets for the registry."""

from xnorkit.errors import InputError
from xnorkit.models.binarization import BINARIZATIONS, binarize_, has_signs
from xnorkit.models.resnets import BlockType, ResNet, ShortcutType, StemType, resnet

__all__ = ["binary_resnet"]

BLOCK_OF: dict[str, BlockType] = {"bireal": "bireal", "react": "react", "irnet": "irnet", "recu": "irnet"}
SHIFTED = ("react",)  # binarizations whose sign has a learned shift


def binary_resnet(
    depth: int,
    num_classes: int = 1000,
    binarization: str = "xnor",
    *,
    block_type: BlockType | None = None,
    stem_type: StemType = "basic",
    shortcut_type: ShortcutType = "float",
    rprelu: bool = False,
) -> ResNet:
    """Return a ResNet (`xnorkit.models.ResNet` has the layer table) in a binarization.

    The stem and the last layer stay float; so do the 1x1 convolutions of the shortcuts, unless `shortcut_type` is
    "binary". ResNet-18 with "prebasic" blocks and 1000 classes has 11,688,616 parameters, of which 10,985,472 are
    binary weights; with binary shortcuts 11,157,504 of 11,689,512.

    Args:
        depth: 18, 20, 34 or 50.
        num_classes: the number of logits.
        binarization: a name of `xnorkit.models.BINARIZATIONS`.
        block_type: see `xnorkit.models.resnet`; None selects the block of the binarization's paper ("bireal", "react",
            "irnet") or, if it has none, "prebasic" (BatchNorm, sign, convolution, ReLU).
        stem_type: see `xnorkit.models.resnet`.
        shortcut_type: see `xnorkit.models.resnet`.
        rprelu: see `xnorkit.models.resnet`.

    Raises:
        InputError: a name is unknown, or a layer would take plain signs of the output of a ReLU ("basic" blocks).

    Source: Rastegari et al., XNOR-Net (ECCV 2016), section 4.2; Liu et al., Bi-Real Net (ECCV 2018) and ReActNet (ECCV
    2020, ResNet-18 of table 3); Qin et al., IR-Net (CVPR 2020), ResNet-20 of its code. Differences: XNOR-Net has input
    scales K ("xnor-k" has them), IR-Net's ResNet-20 for CIFAR pads its shortcuts with zeros.
    """
    block_type = block_type or BLOCK_OF.get(binarization, "prebasic")
    model = resnet(depth, num_classes, rprelu, block_type, stem_type, shortcut_type)
    float_layers = ["conv1", "fc"] + ([] if shortcut_type == "binary" else ["$downsample$"])
    plain = binarization in BINARIZATIONS and has_signs(binarization) and binarization not in SHIFTED
    if block_type == "basic" and plain:
        raise InputError(
            f"binarization='{binarization}' needs inputs of both signs, but with block_type='basic' convolutions read "
            "the output of a ReLU, whose signs are all +1. Use another block, such as 'prebasic', or "
            "binarization='react', which learns a shift."
        )
    return binarize_(model, binarization, float_layers)
