"""Activation quantizers with values other than -1 and +1."""

from torch import Tensor

from xnorkit.errors import InputError
from xnorkit.functional.levels import heaviside_ste, quantize_unit_ste, ternary_ste
from xnorkit.ops._layer import positive
from xnorkit.ops.base import ActivationBinarizer

__all__ = ["DoReFaActivation", "NoOp", "SteHeavisideBinarizer", "TernaryInputBinarizer"]


class SteHeavisideBinarizer(ActivationBinarizer):
    """Takes 0 or 1; the gradient passes straight through where |x| < clip.

    Forward: y = 1 for x > 0, else 0. Backward: dC/dx = dC/dy 1(|x| < clip). One bool per element is kept.
    On bits: yes. With s = 2y - 1, the signs +1 where x > 0 and -1 elsewhere, w . y = (w . s + sum of w) / 2, and a
    padded position, y = 0, has s = -1.

    Use this binarizer for inputs that are never negative, such as the output of a ReLU: their sign is +1 everywhere,
    while y distinguishes 0 from positive values. For such inputs y = torch.sign(x).

    Args:
        clip: the bound of |x|, above 0.

    Source: Larq's quantizer SteHeaviside, with a strict inequality in the gradient.
    """

    zero_one = True

    def __init__(self, clip: float = 1.0) -> None:
        super().__init__()
        self.clip = positive("SteHeavisideBinarizer", "clip", clip)

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return heaviside_ste(x, self.clip)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"clip={self.clip}"


class DoReFaActivation(ActivationBinarizer):
    """Rounds to the 2^bits levels 0, 1/n, ..., 1, with n = 2^bits - 1.

    Forward: y = round(n clip(x, 0, 1)) / n, halves to even. Backward: dC/dx = dC/dy 1(0 <= x <= 1). One
    bool per element is kept.
    On bits: no, its values are from 0 to 1.

    Args:
        bits: the number of bits, from 1 to 8.

    Raises:
        InputError: for any other number of bits.

    Source: Zhou et al., DoReFa-Net (2016), eq. 5-6 and 11, with h(x) = clip(x, 0, 1).
    """

    def __init__(self, bits: int = 2) -> None:
        super().__init__()
        if bits not in range(1, 9):
            raise InputError(f"DoReFaActivation: bits={bits}, but it must be from 1 to 8. Use NoOp to keep floats.")
        self.bits = bits
        self.bit_reason = f"its values are {2**bits} levels from 0 to 1, not -1 and +1"

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        return quantize_unit_ste(x, 2**self.bits - 1)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"bits={self.bits}"


class TernaryInputBinarizer(ActivationBinarizer):
    """Takes -1, 0 or +1; the gradient passes straight through where |x| < clip.

    Forward: y = +1 for x > d, -1 for x < -d, else 0; d = `threshold`, or 0.7 mean |x| over the whole tensor with
    `ternary_weight_networks`. Backward: dC/dx = dC/dy 1(|x| < clip), where d is treated as a constant. One bool per
    element is kept.
    On bits: no, 0 is a third value.

    Args:
        threshold: d, at least 0.
        ternary_weight_networks: compute d from x instead.
        clip: the bound of |x|, above 0.

    Source: Li and Liu, Ternary Weight Networks (2016), for d; Larq's quantizer SteTern, with a strict inequality in the
    gradient.
    """

    bit_reason = "its values are -1, 0 and +1"

    def __init__(self, threshold: float = 0.05, ternary_weight_networks: bool = False, clip: float = 1.0) -> None:
        super().__init__()
        if not threshold >= 0:
            raise InputError(f"TernaryInputBinarizer: threshold={threshold}, but it must be at least 0.")
        self.threshold, self.ternary_weight_networks = threshold, ternary_weight_networks
        self.clip = positive("TernaryInputBinarizer", "clip", clip)

    def forward(self, x: Tensor) -> Tensor:
        """Return y, of the shape of `x`."""
        threshold = 0.7 * x.detach().abs().mean() if self.ternary_weight_networks else self.threshold
        return ternary_ste(x, threshold, self.clip)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"threshold={self.threshold}, ternary_weight_networks={self.ternary_weight_networks}, clip={self.clip}"


class NoOp(ActivationBinarizer):
    """Returns the input unchanged: y = x, dC/dx = dC/dy.

    Use it where the API requires a binarizer but the network needs none, also for weights.
    On bits: no, its values are floats.
    """

    bit_reason = "it leaves its input in float"

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` itself."""
        return x
