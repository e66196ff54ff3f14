"""Checks of the input of binary layers, and the precision in which they count."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules import module as of_all

from xnorkit.errors import InputError

__all__ = [
    "check_dot_length",
    "check_float",
    "check_image",
    "check_sizes",
    "full_precision",
    "is_bare",
    "working_dtype",
]

MAX_DOT_LENGTH = 2**24  # every integer up to this magnitude is a float32
AXES = {1: "L", 2: "H, W", 3: "D, H, W"}


def working_dtype(weight: Tensor) -> torch.dtype:
    """Return the dtype to compute in: that of the weight, or at least float32, in which the dot product is exact."""
    return torch.promote_types(weight.dtype, torch.float32)


def full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Return a context with autocast off for the device of `x`: float16 counts exactly to 2048, bfloat16 to 256."""
    device = x.device.type
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def is_bare(module: nn.Module) -> bool:
    """Return whether a call of `module` only runs its class's forward: it has no hooks, and no hook is global."""
    hooks = (
        *(module._forward_pre_hooks, module._forward_hooks, module._backward_pre_hooks, module._backward_hooks),
        *(of_all._global_forward_pre_hooks, of_all._global_forward_hooks),
        *(of_all._global_backward_pre_hooks, of_all._global_backward_hooks),
    )
    return "forward" not in module.__dict__ and not any(hooks)


def check_dot_length(layer: str, length: int) -> None:
    """Raise InputError if the dot product of `length` signs is not exact in float32."""
    if length > MAX_DOT_LENGTH:
        raise InputError(
            f"{layer}: a filter has {length} weights, but it must have at most 2^24 = {MAX_DOT_LENGTH}, so that the "
            "sum of signs is exact in float32. Use groups, a smaller kernel or fewer inputs."
        )


def check_sizes(layer: str, least: int, **sizes: int | str | tuple[int, ...]) -> None:
    """Raise InputError if one of `sizes`, or an element of a tuple among them, is below `least`; strings pass."""
    for name, size in sizes.items():
        values = size if isinstance(size, tuple | list) else (size,)
        if any(isinstance(value, int) and value < least for value in values):
            raise InputError(f"{layer}: {name}={size}, but it must be at least {least}.")


def check_float(layer: str, x: Tensor) -> None:
    """Raise InputError unless `x` has a real floating dtype."""
    if not x.is_floating_point():
        raise InputError(
            f"{layer}: input has dtype {x.dtype}, but it must be a floating dtype. Convert it with x.float() and "
            "normalise it as in training: integer pixels are never negative, so all their signs would be +1."
        )


def check_image(layer: str, x: Tensor, channels: int, dims: int) -> None:
    """Raise InputError unless `x` is (N, channels, ...) or (channels, ...) with `dims` dimensions after them."""
    check_float(layer, x)
    if x.dim() not in (dims + 1, dims + 2) or x.shape[-1 - dims] != channels:
        axes = AXES[dims]
        raise InputError(
            f"{layer}: input has shape {tuple(x.shape)}, but it must be (N, {channels}, {axes}) or ({channels}, "
            f"{axes})."
        )
