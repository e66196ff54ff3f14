"""The base classes of binarizers: modules with `with_args` that declare whether they run on bits."""

import math

from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.ops.factory import WithArgs

__all__ = ["ActivationBinarizer", "OutputProcess", "ScaledSignBinarizer", "WeightBinarizer"]


ROUNDED = 1e-3
"""How far from +1 and -1 values may be that are meant to be: a surrogate that is added and subtracted rounds them."""


class ActivationBinarizer(WithArgs, nn.Module):
    """Maps the input x of a layer to the values that it multiplies: forward(x) -> y of the same shape.

    `bit_reason` is None if every y is exactly +1 or -1; otherwise it says why the layer cannot run on bits. `zero_one`
    is True if the two values are 1 and 0 instead of +1 and -1.
    """

    bit_reason: str | None = None
    zero_one: bool = False

    def __init__(self) -> None:
        super().__init__()  # a subclass without a constructor takes no arguments, and its signature says so

    @property
    def drop(self) -> float:
        """The fraction of the signs that a call sets to 0 in this mode; the others are multiplied by 1 / (1 - drop)."""
        return 0.0

    def returns_signs(self, training: bool) -> bool:
        """Return whether every y is exactly +1 or -1 in training or in evaluation, apart from the effect of `drop`."""
        return self.bit_reason is None and not self.zero_one

    def before_sign(self, x: Tensor) -> tuple[Tensor, float]:
        """Return u and a clip: y is sign(u), whose gradient passes where |u| < clip; `drop` follows.

        Raises:
            InputError: the forward of a user's class returns other values than its `bit_reason` declares.
        """
        y = self(x)
        own = not type(self).__module__.startswith("xnorkit.")
        if own and not bool(((y.detach().abs() - 1).abs() < ROUNDED).all()):
            raise InputError(
                f"{type(self).__name__} returns values other than +1 and -1, but its bit_reason is None, which "
                "declares them. Return +1 or -1 for every number, 0 included, or give the class a `bit_reason`."
            )
        return y, math.inf


class WeightBinarizer(WithArgs, nn.Module):
    """Maps the latent weight W (O, ...) of a layer to the weight that it uses: forward(w) -> w~ of the same shape.

    `bit_reason` is None if w~ is exactly one scale per output channel times +1 or -1; otherwise it gives the reason.
    """

    bit_reason: str | None = None

    def __init__(self) -> None:
        super().__init__()  # a subclass without a constructor takes no arguments, and its signature says so


class ScaledSignBinarizer(WeightBinarizer):
    """A weight binarizer of the form w~ = scale * b, with b of +1 and -1 and one scale per output channel."""

    def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return b (O, ...) of +1 and -1, and scale (O,) or None for 1; both carry their gradients to `w`."""
        raise NotImplementedError

    def forward(self, w: Tensor) -> Tensor:
        """Return scale * b, of the shape of `w`."""
        b, scale = self.factors(w)
        return b if scale is None else b * scale.reshape(-1, *(1,) * (w.dim() - 1))


class OutputProcess(WithArgs, nn.Module):
    """Maps the output y of a layer, given the layer's input x before binarization: forward(y, x) -> y.

    `bit_reason` says what the layer does in float after the integer dot product.
    """

    bit_reason: str | None = None

    def __init__(self) -> None:
        super().__init__()  # a subclass without a constructor takes no arguments, and its signature says so
