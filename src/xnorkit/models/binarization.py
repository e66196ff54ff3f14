"""The binarizations that models offer by name, and how to apply one to a float network."""

import difflib
from collections.abc import Iterable
from functools import partial
from typing import TypeVar

from torch import nn

from xnorkit.errors import InputError
from xnorkit.models.dropped_signs import dropped_signs
from xnorkit.models.norm_first_blocks import NormFirstConv, NormFirstLinear
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.ops import (
    ApproxSignBinarizer,
    BasicInputBinarizer,
    BWNWeightBinarizer,
    EDEInputBinarizer,
    InputBiasBinarizer,
    IRNetWeightBinarizer,
    MagnitudeAwareWeightBinarizer,
    ReCUInputBinarizer,
    ReCUWeightBinarizer,
    SignWeightBinarizer,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)

__all__ = ["BINARIZATIONS", "binarize_", "has_signs"]

Model = TypeVar("Model", bound=nn.Module)

# | name | activations | weights |
BINARIZATIONS: dict[str, BConfig] = {
    # no signs: the float twin
    "float": BConfig(),
    # Binary-Weight-Network: float, alpha sign(W); Rastegari et al., XNOR-Net (ECCV 2016), section 3.1
    "bwn": BConfig(weight_pre_process=BWNWeightBinarizer),
    # sign, alpha sign(W), without the input scales K; XNOR-Net, eq. 11
    "xnor": BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer),
    # the same with the map K of input scales; XNOR-Net, section 3.2
    "xnor-k": BConfig(BasicInputBinarizer, XNORScaleBinarizer, XNORWeightBinarizer),
    # sign, sign(W); Hubara et al., Binarized Neural Networks (NeurIPS 2016)
    "bnn": BConfig(BasicInputBinarizer, weight_pre_process=SignWeightBinarizer),
    # ApproxSign, magnitude-aware weights; Liu et al., Bi-Real Net (ECCV 2018)
    "bireal": BConfig(ApproxSignBinarizer, weight_pre_process=MagnitudeAwareWeightBinarizer),
    # RSign, the weights of Bi-Real Net; Liu et al., ReActNet (ECCV 2020)
    "react": BConfig(InputBiasBinarizer, weight_pre_process=MagnitudeAwareWeightBinarizer),
    # sign, sign(W), both with a gradient up to 1.25; Bannink et al., Larq Compute Engine (MLSys 2021)
    "quicknet": BConfig(
        BasicInputBinarizer.with_args(clip=1.25), weight_pre_process=SignWeightBinarizer.with_args(clip=1.25)
    ),
    # error decay, libra weights; Qin et al., IR-Net (CVPR 2020)
    "irnet": BConfig(EDEInputBinarizer, weight_pre_process=IRNetWeightBinarizer),
    # ApproxSign, weights brought back between two quantiles; Xu et al., ReCU (ICCV 2021)
    "recu": BConfig(ReCUInputBinarizer, weight_pre_process=ReCUWeightBinarizer),
}
"""The configuration of each binarization by name; docs/models.md lists the papers."""


def binarize_(model: Model, binarization: str | BConfig, float_layers: Iterable[str]) -> Model:
    """Swap the layers of a float `model` for binary ones, in place, and return it.

    Dropout before a layer that takes signs moves after the signs, where a dropped value contributes 0 to the dot
    product; before the sign it would become +1. The dropout is then part of the layer's activation process
    (`DroppedSigns`). Replacing that process, as a training stage may, removes the dropout.

    Args:
        model: a float network.
        binarization: a name of `BINARIZATIONS`, of which "float" leaves the model unchanged; or a configuration.
        float_layers: names as in `ignore_layers_name` of `xnorkit.nn.prepare_binary_model`.

    Raises:
        InputError: the binarization is unknown; the message suggests near matches.
    """
    if isinstance(binarization, str) and binarization not in BINARIZATIONS:
        near = difflib.get_close_matches(binarization, BINARIZATIONS, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        known = ", ".join(BINARIZATIONS)
        raise InputError(f"{type(model).__name__}: binarization='{binarization}', but it must be one of {known}.{hint}")
    if binarization == "float":
        return model
    config = binarization if isinstance(binarization, BConfig) else BINARIZATIONS[binarization]
    custom = _move_dropout_(model, config) if has_signs(binarization) else {}
    prepare_binary_model(model, config, custom_config_layers_name=custom, ignore_layers_name=float_layers)
    return model


def has_signs(binarization: str | BConfig) -> bool:
    """Return whether this configuration, or one of `BINARIZATIONS` by name, also makes activations binary."""
    config = binarization if isinstance(binarization, BConfig) else BINARIZATIONS[binarization]
    return config.activation_pre_process is not nn.Identity


def _move_dropout_(model: nn.Module, config: BConfig) -> dict[str, BConfig]:
    """Remove the dropout from the blocks, and return configurations by layer name that drop signs in its place."""
    configs = {}
    for name, block in model.named_modules():
        if isinstance(block, NormFirstConv | NormFirstLinear) and isinstance(block.dropout, nn.Dropout):
            layer = "conv" if isinstance(block, NormFirstConv) else "linear"
            pre = partial(dropped_signs, binarizer=config.activation_pre_process, p=block.dropout.p)
            configs[f"{name}.{layer}"] = BConfig(pre, config.activation_post_process, config.weight_pre_process)
            block.dropout = nn.Identity()
    return configs
