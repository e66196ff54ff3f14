"""Training of a binary network as in two published libraries: products in float32, surrounded by binarization.

Both take a model of xnorkit and put float layers, whose parameters are the same, in the place of its binary layers.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.compat.bin_active import BinActive
from xnorkit.compat.binop import BinOp
from xnorkit.errors import InputError
from xnorkit.nn import BinaryConv2d, BinaryLinear

__all__ = ["binary_layers", "with_bin_op", "with_sign_functions"]

BinaryLayer = BinaryConv2d | BinaryLinear
Layer = TypeVar("Layer", bound=nn.Module)


def binary_layers(model: nn.Module) -> dict[str, BinaryLayer]:
    """Return the binary layers of a model by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, BinaryConv2d | BinaryLinear)}


def with_bin_op(model: nn.Module) -> BinOp:
    """Prepare `model` for the loop of XNOR-Net-PyTorch, in place, and return what binarizes its weights.

    A binary layer becomes `BinActive` and a float layer. `BinOp` centres and clamps all their weights before the
    forward pass, saves them, and writes alpha * sign(W) over them; after the backward pass it restores them and
    turns their gradients into those of W. `BinActive` here keeps one bool per activation; the published one keeps the
    activation itself.

    Raises:
        InputError: the model has no binary layer, or one with a single input channel, which centring would make 0.
    """
    layers = [layer.layer for layer in _replace(model, _SignedInput)]
    # BinOp omits the first and the last layer that it finds.
    return BinOp(nn.ModuleList([nn.Linear(2, 1), *layers, nn.Linear(2, 1)]))


def with_sign_functions(model: nn.Module) -> None:
    """Prepare `model` for the loop of binary-networks-pytorch, in place.

    A binary layer becomes a module that convolves sign(x) with alpha * sign(W), alpha = mean |W| per filter; both
    signs are an autograd function that keeps its input and lets the gradient pass where |.| < 1.

    Raises:
        InputError: the model has no binary layer.
    """
    _replace(model, _SignedLayer)


def _replace(model: nn.Module, make: Callable[[nn.Module, bool], Layer]) -> list[Layer]:
    """Put make(float layer, are its inputs signs) in the place of each binary layer."""
    found = binary_layers(model)
    if not found:
        raise InputError(f"{type(model).__name__} has no binary layer, but needs at least one. Choose a binarization.")
    made = []
    for name, layer in found.items():
        new = make(_float_layer(layer), not isinstance(layer.activation_pre_process, nn.Identity))
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, new)
        made.append(new)
    return made


def _float_layer(layer: BinaryLayer) -> nn.Module:
    bias = layer.bias is not None
    if isinstance(layer, BinaryLinear):
        new: nn.Module = nn.Linear(layer.in_features, layer.out_features, bias)
    else:
        channels = layer.in_channels, layer.out_channels
        window = layer.kernel_size, layer.stride, layer.padding, layer.dilation
        new = nn.Conv2d(*channels, *window, layer.groups, bias, layer.padding_mode)
    new.weight, new.bias = layer.weight, layer.bias
    return new


class _SignedInput(nn.Module):
    def __init__(self, layer: nn.Module, signs: bool) -> None:
        super().__init__()
        self.layer, self.signs = layer, signs

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(BinActive.apply(x) if self.signs else x)


class _SignFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grads[0].clone().masked_fill_(x.ge(1) | x.le(-1), 0)


class _SignedLayer(nn.Module):
    def __init__(self, layer: nn.Module, signs: bool) -> None:
        super().__init__()
        self.layer, self.signs = layer, signs

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        weight = layer.weight
        assert isinstance(weight, Tensor)
        alpha = weight.abs().mean(tuple(range(1, weight.dim())), keepdim=True)
        signed = _SignFunction.apply(weight) * alpha
        s = _SignFunction.apply(x) if self.signs else x
        if isinstance(layer, nn.Conv2d):
            return layer._conv_forward(s, signed, layer.bias)
        bias = layer.bias
        return F.linear(s, signed, bias if isinstance(bias, Tensor) else None)
