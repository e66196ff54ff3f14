"""Inputs of signs that are exactly 0: older code has sign(0) = 0, but this library has sign(0) = +1."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.nn import BinaryConv1d, BinaryConv2d, BinaryLinear
from xnorkit.nn.dead_signs import nonnegative_inputs
from xnorkit.ops import BasicInputBinarizer, InputBiasBinarizer

__all__ = ["SignInputs", "count_sign_inputs", "zero_one_layers"]

SIGNS = (BasicInputBinarizer, InputBiasBinarizer)
LAYERS = (BinaryConv1d, BinaryConv2d, BinaryLinear)
SCALES = (0.1, 1.0, 10.0)
"""The standard deviations of the random images, which are tried together with an image of 0."""
IMAGES, SIDE = 2, 64


@dataclass
class SignInputs:
    """The number of values whose sign a layer takes, and how many of them are 0 or negative."""

    total: int = 0
    zero: int = 0
    negative: int = 0


def zero_one_layers(model: nn.Module) -> list[str]:
    """Return the dotted names of binary layers for which older code takes signs of numbers that are never negative.

    For these, torch.sign is 0 or 1, so the older code computes activations 0 and 1 (`SteHeavisideBinarizer`). Where
    both signs occur and no number is exactly 0, the two signs agree. Either the graph of the model shows that numbers
    are never negative (`xnorkit.nn.find_dead_signs`), or zeros without negative numbers on random images of several
    contrasts do. The function does not change the model.

    Args:
        model: a model of images (N, 3, H, W) of any size, with its weights.

    Raises:
        InputError: a layer reads zeros and negative numbers, so that torch.sign has three values.
    """
    generator = torch.Generator().manual_seed(0)
    images = [scale * torch.randn(IMAGES, 3, SIDE, SIDE, generator=generator) for scale in SCALES]
    counts = count_sign_inputs(model, torch.cat([*images, torch.zeros(1, 3, SIDE, SIDE)]))
    mixed = {name: count for name, count in counts.items() if count.zero and count.negative}
    if mixed:
        name, count = next(iter(mixed.items()))
        more = f" (and {len(mixed) - 1} other layers)" if len(mixed) > 1 else ""
        raise InputError(
            f"layer '{name}'{more} takes the sign of {count.zero:,} zeros and {count.negative:,} negative numbers of "
            f"{count.total:,}, but bits need numbers of both signs without zeros, or none below 0: sign(0) is 0 in the "
            "older code, a third value. Continue training from the weights: load_legacy_checkpoint(path, your model)."
        )
    never = nonnegative_inputs(model)
    return [
        name
        for name, count in counts.items()
        if (name in never or (count.zero and not count.negative)) and _plain_sign(model, name)
    ]


@torch.no_grad()
def count_sign_inputs(model: nn.Module, images: Tensor) -> dict[str, SignInputs]:
    """Count the inputs of the plain and shifted signs of the binary layers of `model`, by layer name.

    Args:
        model: the model, which runs in `eval()` mode; its own mode is restored.
        images: (N, ...) float32.
    """
    counts: dict[str, SignInputs] = {}
    training = {module: module.training for module in model.modules()}
    hooks = []
    for name, layer in model.named_modules():
        if isinstance(layer, LAYERS) and isinstance(layer.activation_pre_process, SIGNS):
            count = counts[name] = SignInputs()
            hooks.append(layer.activation_pre_process.register_forward_hook(_counting(count)))
    try:
        model.eval()(images)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in training.items():
            module.training = mode
    return counts


def _counting(count: SignInputs) -> Any:
    def hook(process: Any, args: tuple[Tensor, ...], _: Tensor) -> None:
        x = args[0] if isinstance(process, BasicInputBinarizer) else args[0] + process.bias
        count.total += x.numel()
        count.zero += int((x == 0).sum())
        count.negative += int((x < 0).sum())

    return hook


def _plain_sign(model: nn.Module, name: str) -> bool:
    return isinstance(model.get_submodule(name).activation_pre_process, BasicInputBinarizer)
