"""Every binarizer with the arguments that the tests give it, for one layer."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit import ops

BASES = {"ActivationBinarizer", "Annealed", "ErrorDecay", "Factory", "OutputProcess", "ScaledSignBinarizer"}
BASES |= {"WeightBinarizer", "WithArgs"}
NAMES = sorted(set(ops.__all__) - BASES)
INPUTS = [name for name in NAMES if issubclass(getattr(ops, name), ops.ActivationBinarizer)]
WEIGHTS = [name for name in NAMES if issubclass(getattr(ops, name), ops.WeightBinarizer)]
OUTPUTS = [name for name in NAMES if issubclass(getattr(ops, name), ops.OutputProcess)]


def build(factory: Any, layer: nn.Module) -> nn.Module:
    """An instance as preparing code makes it: with the layer where the constructor has such a parameter."""
    return factory(layer) if "layer" in inspect.signature(factory).parameters else factory()


def conv(groups: int = 1) -> nn.Conv2d:
    torch.manual_seed(5)
    return nn.Conv2d(4, 6, 3, padding=1, groups=groups)


def image(*shape: int, seed: int = 6, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape or (2, 4, 5, 5), generator=torch.Generator().manual_seed(seed), dtype=dtype)


def arguments(name: str, layer: nn.Conv2d) -> tuple[Tensor, ...]:
    """What the forward of this binarizer takes."""
    if name in INPUTS:
        return (image(),)
    if name in WEIGHTS:
        return (image(*layer.weight.shape, seed=7),)
    return (image(2, 6, 5, 5, seed=8), image())


def run(module: Callable[..., Tensor], args: tuple[Tensor, ...]) -> tuple[Tensor, list[Tensor]]:
    """The output, and the gradients of its inner product with fixed numbers with respect to `args`."""
    torch.manual_seed(9)  # for those that draw
    leaves = [a.detach().clone().requires_grad_() for a in args]
    y = module(*leaves)
    g = torch.randn(y.shape, generator=torch.Generator().manual_seed(10)).to(y)
    grads = torch.autograd.grad((y * g).sum(), leaves, allow_unused=True)
    return y.detach(), [torch.zeros_like(a) if d is None else d for a, d in zip(leaves, grads, strict=True)]
