"""Starts learned shifts of activations from data."""

from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.ops import InputBiasBinarizer

__all__ = ["center_shifts_"]


@torch.no_grad()
def center_shifts_(model: nn.Module, images: Tensor | tuple[Any, ...]) -> int:
    """Set every learned shift of `model` to minus the mean of what it reads, and return how many there are.

    b_c = -mean(x_c) for channel c of the input x of each `InputBiasBinarizer`, in the order in which the model calls
    them: a layer reads what the layers before it return with the shifts that they have just got. About half of the
    signs are then +1. Without it, most channels that follow ReLUs and pools start with one sign for nearly every
    image, and training first has to move their shifts there.

    The model runs once in training mode, under the batch statistics of `images`; its running statistics, its modes and
    the random state do not change. Call it before training: it replaces shifts that were learned.

    Args:
        model: a model, in any mode.
        images: real inputs, (N, ...), prepared as for training, or a tuple of all arguments; a few hundred images.

    Raises:
        InputError: the model reads no learned shift for these images, or the images give NaN or infinity.

    Examples:
        >>> net = nn.Sequential(nn.ReLU(), BinaryConv2d(8, 8, 3, bconfig=BConfig(InputBiasBinarizer)))
        >>> center_shifts_(net, torch.randn(64, 8, 16, 16))
        1
    """
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    modes = {module: module.training for module in model.modules()}
    shifts = [module for module in model.modules() if isinstance(module, InputBiasBinarizer)]
    old = [shift.bias.clone() for shift in shifts]
    reached = dict.fromkeys(shifts, False)

    def center(shift: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(shift, InputBiasBinarizer)
        if not reached[shift]:
            reached[shift] = True
            shift.center_(inputs[0])

    hooks = [shift.register_forward_pre_hook(center) for shift in shifts]
    try:
        with torch.random.fork_rng():
            model.train()
            model(*images) if isinstance(images, tuple) else model(images)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
    if not any(reached.values()):
        raise InputError("center_shifts_: the model reads no learned shift, but it must hold an InputBiasBinarizer.")
    if not all(shift.bias.isfinite().all() for shift in shifts):
        for shift, bias in zip(shifts, old, strict=True):
            shift.bias.copy_(bias)
        raise InputError("center_shifts_: the images give NaN or infinity. Check the images and the model.")
    return sum(reached.values())
