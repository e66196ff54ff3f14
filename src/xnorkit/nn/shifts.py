"""Starts learned shifts of activations from data."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

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
    the random state do not change. If it raises, nor do the shifts. Call it before training: it replaces shifts that
    were learned. Layers that share a shift get that of the first call.

    Args:
        model: a model, in any mode.
        images: real inputs, (N, ...), prepared as for training, or a tuple of all arguments; a few hundred images.

    Raises:
        InputError: the model reads no learned shift for these images, has lazy layers or no numbers (device `meta`),
            or the images give NaN or infinity.

    Examples:
        >>> net = nn.Sequential(nn.ReLU(), BinaryConv2d(8, 8, 3, bconfig=BConfig(InputBiasBinarizer)))
        >>> center_shifts_(net, torch.randn(64, 8, 16, 16))
        1
    """
    _check(model)
    buffers = {module: dict(module._buffers) for module in model.modules()}
    numbers = {buffer: buffer.clone() for held in buffers.values() for buffer in held.values() if buffer is not None}
    modes = {module: module.training for module in model.modules()}
    shifts = [module for module in model.modules() if isinstance(module, InputBiasBinarizer)]
    old = {shift.bias: shift.bias.clone() for shift in shifts}
    reached: set[nn.Parameter] = set()

    def center(shift: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(shift, InputBiasBinarizer)
        if shift.bias not in reached:
            reached.add(shift.bias)
            shift.center_(inputs[0])

    hooks = [shift.register_forward_pre_hook(center) for shift in shifts]
    done = False
    try:
        with torch.random.fork_rng():
            model.train()
            model(*images) if isinstance(images, tuple) else model(images)
        done = all(bias.isfinite().all() for bias in reached)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
        for module, held in buffers.items():
            module._buffers.clear()
            module._buffers.update(held)
        for tensor, kept in (*numbers.items(), *(() if done else old.items())):
            tensor.copy_(kept)
    if not reached:
        raise InputError("center_shifts_: the model reads no learned shift, but it must hold an InputBiasBinarizer.")
    if not done:
        raise InputError("center_shifts_: the images give NaN or infinity. Check the images and the model.")
    return len(reached)


def _check(model: nn.Module) -> None:
    tensors = (*model.parameters(), *model.buffers())
    if any(map(is_lazy, tensors)):
        raise InputError("center_shifts_: the model has lazy layers, but they must have seen an image. Run it once.")
    if any(tensor.is_meta for tensor in tensors):
        raise InputError("center_shifts_: the model is on the device 'meta', but it must hold numbers. Load it first.")
