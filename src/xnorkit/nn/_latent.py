"""What every binary layer shares: its latent weight seen as bits and scale, and the checks of its input."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import mean_abs, sign

__all__ = ["LatentWeight", "check_dot_length", "check_float", "full_precision", "working_dtype"]

MAX_DOT_LENGTH = 2**24  # every integer up to this magnitude is a float32


class LatentWeight(nn.Module):
    """Mixin of a layer that has a latent weight `weight` (O, ...) and the option `scale`."""

    weight: Tensor
    scale: bool

    @torch.no_grad()
    def binary_weight(self) -> Tensor:
        """Return sign(W): +1 and -1, of the shape and dtype of `weight`, without gradient."""
        return sign(self.weight)

    @torch.no_grad()
    def alpha(self) -> Tensor:
        """Return the scale (O,) that the forward pass multiplies with, without gradient: mean |W|, or ones."""
        w = self.weight.to(working_dtype(self.weight))
        return mean_abs(w) if self.scale else torch.ones_like(w[:, 0].flatten(1)[:, 0])

    @torch.no_grad()
    def project_(self) -> None:
        """Clamp the latent weights to [-1, 1] in place.

        Beyond, the straight-through gradient is 0: a weight that has drifted out could hardly come back.
        """
        self.weight.clamp_(-1, 1)


def working_dtype(weight: Tensor) -> torch.dtype:
    """Return the dtype to compute in: that of the weight, but at least float32, in which the dot product is exact."""
    return torch.promote_types(weight.dtype, torch.float32)


def full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Return a context with autocast off for the device of `x`: float16 counts exactly to 2048, bfloat16 to 256."""
    device = x.device.type
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def check_dot_length(layer: str, length: int) -> None:
    """Raise InputError if the dot product of `length` signs is not exact in float32."""
    if length > MAX_DOT_LENGTH:
        raise InputError(
            f"{layer}: {length} weights per filter; required: at most 2^24 = {MAX_DOT_LENGTH}, so that the sum of "
            "signs is exact in float32. Use groups, a smaller kernel or fewer inputs."
        )


def check_float(layer: str, x: Tensor) -> None:
    """Raise InputError unless `x` is of a real floating dtype."""
    if not x.is_floating_point():
        raise InputError(
            f"{layer}: input has dtype {x.dtype}; required: a floating dtype. Convert it with x.float() and normalise "
            "it as in training: integer pixels are never negative, so all their signs would be +1."
        )
