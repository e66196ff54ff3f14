"""Dropout after the sign, as a process for the input of a binary layer."""

import math
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.nn.bconfig import make_process
from xnorkit.ops import ActivationBinarizer

__all__ = ["DroppedSigns", "dropped_signs"]


class DroppedSigns(ActivationBinarizer):
    """Binarizes its input; in training it then sets some signs to 0 and multiplies the others by 1 / (1 - p).

    Forward: y = binarizer(x) m / (1 - p) with m = 0 at probability p, else 1; in evaluation y = binarizer(x).
    Backward: the gradient of the binarizer, times m / (1 - p).
    On bits: in evaluation, if its binarizer is. A layer that trains on bits draws m as random words, so that with the
    same seed the simulated path drops different signs with the same probability.

    Args:
        binarizer: an activation binarizer.
        p: the fraction of the signs that training sets to 0.

    Source: the order of jiecaoyu/XNOR-Net-PyTorch.
    """

    def __init__(self, binarizer: nn.Module, p: float) -> None:
        super().__init__()
        self.binarizer, self.p = binarizer, p
        self.bit_reason = getattr(binarizer, "bit_reason", f"{type(binarizer).__name__} is not known to return signs")
        self.zero_one = getattr(binarizer, "zero_one", False)

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return F.dropout(self.binarizer(x), self.p, self.training)

    @property
    def drop(self) -> float:
        """The fraction of the signs that a call sets to 0: p in training, else 0."""
        return self.p if self.training else 0.0

    def returns_signs(self, training: bool) -> bool:
        """Return whether every y is +1 or -1 apart from `drop`, and the factor of `drop` is an exact power of 2."""
        exact = not training or math.frexp(1 - self.p)[0] == 0.5
        return exact and isinstance(self.binarizer, ActivationBinarizer) and self.binarizer.returns_signs(training)

    def before_sign(self, x: Tensor) -> tuple[Tensor, float]:
        """Return u and the clip of the binarizer."""
        assert isinstance(self.binarizer, ActivationBinarizer)  # returns_signs ensures this
        return self.binarizer.before_sign(x)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"p={self.p}"


def dropped_signs(layer: nn.Module, binarizer: Callable[..., nn.Module], p: float) -> DroppedSigns:
    """Return `DroppedSigns` of the module that the factory `binarizer` creates for `layer`."""
    return DroppedSigns(make_process("activation_pre_process", binarizer, layer), p)
