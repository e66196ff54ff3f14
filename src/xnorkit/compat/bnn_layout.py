"""ResNets of the `bnn` package: from the names and shapes in a checkpoint to a recipe of the same model."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from xnorkit.errors import InputError
from xnorkit.train import BinarizerSpec, DataSpec, ModelSpec, Recipe, StageSpec

__all__ = ["bnn_names", "bnn_recipe"]

DEPTHS = {(2, 2, 2, 2): "resnet18", (3, 4, 6, 3): "resnet34"}
DATA = {
    10: DataSpec("cifar10", image_size=32),
    100: DataSpec("cifar100", image_size=32),
    1000: DataSpec("imagenet"),
}
ACTIVATION = re.compile(r"(?P<module>layer\d\.\d+\.act\d)\.weight")
PRE, POST = "activation_pre_process", "activation_post_process"


def bnn_recipe(weights: Mapping[str, Tensor]) -> tuple[Recipe, tuple[str, ...]]:
    """Return a recipe whose model has the names and shapes of `weights`, and a description of each assumption.

    Depth, block, stem, activation and number of classes follow from the names and shapes. So do the binary layers, if
    a binarizer has parameters. Binarizers without parameters leave no trace in the file. The recipe then assumes those
    of the package's own examples, the signs of activations and `XNORWeightBinarizer()`; fields of its stage change
    this, such as `stages.0.weight.args.center_weights=true`.

    Raises:
        InputError: the network is not the package's ResNet-18 or -34.
    """
    last = weights.get("fc.weight")
    classes = 1000 if last is None or last.dim() == 0 else len(last)
    pre, post, marked = _binarizers(weights)
    weight = BinarizerSpec("XNORWeightBinarizer")
    assumed = [
        f"weights are binarized by {weight.name}(); else give stages.0.weight.name=…, or stages.0.weight.args.…=…",
    ]
    if pre == "BasicInputBinarizer":
        assumed.append(f"activations are binarized by {pre}; else give stages.0.pre_activation.name=…")
    if marked:
        ignored = [name for name in _layers(weights) if name not in marked]
    else:
        ignored = ["_first_", "_last_"]
        assumed.append("all layers but the first and the last are binary; else give stages.0.ignore_layers=[…]")
    data = DATA.get(classes, DataSpec("imagefolder"))
    assumed.append(f"images are those of {data.name}; else give data.name=…, data.image_size=…")
    name = _depth(weights)
    stage = StageSpec(
        "bnn",
        epochs=1,
        pre_activation=BinarizerSpec(pre),
        post_activation=BinarizerSpec(post) if post else None,
        weight=weight,
        ignore_layers=ignored,
    )
    model = ModelSpec(name, "float", _options(weights))
    return Recipe(f"bnn-{name}", model, data, "Checkpoint of the bnn package", stages=[stage]), tuple(assumed)


def bnn_names(name: str, value: Tensor) -> dict[str, Tensor]:
    """Return a PReLU as the equivalent RPReLU with shifts of 0, and anything else unchanged."""
    found = ACTIVATION.fullmatch(name)
    if found is None or value.dim() != 1:
        return {name: value}
    slope = value.view(1, -1, 1, 1)
    shift = torch.zeros_like(slope)
    return {f"{found['module']}.{part}": t for part, t in (("beta", slope), ("gamma", shift), ("zeta", shift))}


def _depth(weights: Mapping[str, Tensor]) -> str:
    blocks: dict[str, set[str]] = {}
    for name in weights:
        if found := re.match(r"layer(\d+)\.(\d+)\.", name):
            blocks.setdefault(found[1], set()).add(found[2])
    counts = tuple(len(blocks[layer]) for layer in sorted(blocks))
    if counts not in DEPTHS or "layer1.0.conv3.weight" in weights:
        third = ", with a third convolution each" if "layer1.0.conv3.weight" in weights else ""
        raise InputError(
            f"the ResNet has {counts} blocks{third}, but it must have {' or '.join(map(str, DEPTHS))} blocks of two "
            "convolutions (ResNet-18, ResNet-34). Build the model yourself and pass it as `model`."
        )
    return DEPTHS[counts]


def _options(weights: Mapping[str, Tensor]) -> dict[str, object]:
    """Return the options of the model; a norm as wide as the input of its block precedes the convolution."""
    norm, conv = weights.get("layer2.0.bn1.weight"), weights.get("layer2.0.conv1.weight")
    pre = norm is not None and conv is not None and (norm.dim(), conv.dim()) == (1, 4) and len(norm) == conv.shape[1]
    return {
        "block_type": "prebasic" if pre else "basic",
        "stem_type": "dabnn" if "conv1.conv1.0.weight" in weights else "basic",
        "rprelu": any(ACTIVATION.fullmatch(name) for name in weights),
    }


def _binarizers(weights: Mapping[str, Tensor]) -> tuple[str, str | None, set[str]]:
    """Return the names of the activation binarizer and the post-process, and the layers that have parameters."""
    marked = {name.partition(f".{part}.")[0] for part in (PRE, POST) for name in weights if f".{part}." in name}
    ends = {name.rpartition(f"{part}.")[1:] for part in (PRE, POST) for name in weights if f".{part}." in name}
    known = {(f"{POST}.", "alpha"), (f"{POST}.", "bias"), (f"{PRE}.", "bias")}
    both = {(f"{POST}.", "alpha"), (f"{POST}.", "bias")} <= ends
    if both or not ends <= known:
        strange = ", ".join(sorted(first + second for first, second in ends))
        raise InputError(
            f"binarizers have the parameters {strange}, but these must be of BasicScaleBinarizer, BiasPostprocess or "
            "InputBiasBinarizer. Build the model with your own binarizers and pass it as `model`."
        )
    post = "BasicScaleBinarizer" if (f"{POST}.", "alpha") in ends else None
    post = "BiasPostprocess" if (f"{POST}.", "bias") in ends else post
    return ("InputBiasBinarizer" if (f"{PRE}.", "bias") in ends else "BasicInputBinarizer"), post, marked


def _layers(weights: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the convolutions and linear layers."""
    weighted = {name.removesuffix(".weight"): w for name, w in weights.items() if name.endswith(".weight")}
    return [name for name, w in weighted.items() if w.dim() in (2, 4)]
