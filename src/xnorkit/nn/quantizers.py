"""The inputs of an integer layer: pixels, or activations on a learned scale; both uint8 with a zero point."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional.quantize import INPUT_LEVELS, WEIGHT_LIMIT, quantize_ste

__all__ = ["InputQuantizer", "LearnedQuantizer", "PixelQuantizer"]

SIGNED_ZERO = 128  # zero point of signed activations: u - 128 runs over int8, -128 ... 127


class InputQuantizer(nn.Module):
    """Base class: maps x to integers d = u - z, u in 0 ... 255, and the scale s, so that s * d represents x."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return d, of the shape and dtype of x and with its straight-through gradient, and s, a scalar tensor."""
        return self.quantize(x)

    def quantize(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what forward returns, without changing this module."""
        raise NotImplementedError

    def zero_point(self) -> Tensor:
        """Return z, integers 0 ... 255 as floats that broadcast over x: the u that represents 0, hence padding."""
        raise NotImplementedError

    def fold(self, weight: Tensor, groups: int) -> Tensor:
        """Return the weights to multiply by s * d: W times the factor that brings the input to one common scale."""
        return weight

    def check_(self) -> None:
        """Raise InputError if s or z are not settled yet."""


class PixelQuantizer(InputQuantizer):
    """Turns normalised pixels back into the uint8 numbers that they came from: (N, C, H, W) -> the same shape.

    A pixel p in 0 ... 255 reaches the network as x = (p / 255 - mean_c) / std_c. Forward: u = rint(255 (x std_c +
    mean_c)), clamped to 0 ... 255, which is p again; d = u - z_c with the integer zero point z_c = rint(255 mean_c);
    s = 1 / 255. So s * d / std_c differs from x by the constant (mean_c - z_c / 255) / std_c, at most half a grey
    level. The padding value x = 0 is d = 0, that is, pixel z_c and not pixel 0. 1 / std_c moves into the weights
    (`fold`), because all channels of a sum of integers must share one scale.
    Backward: dC/dx = dC/dd * 255 std_c where u was not clamped, else 0.

    uint8 input counts as pixels: d = x - z_c.

    Args:
        mean, std: per channel, of pixels in [0, 1], as in `xnorkit.data.batches`.

    Raises:
        InputError: no channels, different lengths, a mean outside [0, 1] or a std that is not positive.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if not mean or len(mean) != len(std):
            raise InputError(f"mean={list(mean)}, std={list(std)}, but each must have one number per channel.")
        if not all(0 <= m <= 1 for m in mean) or not all(0 < s < math.inf for s in std):
            raise InputError(
                f"mean={list(mean)}, std={list(std)}, but they must be of pixels in [0, 1], 0 <= mean <= 1 and std > "
                "0: the zero point 255 * mean must be a pixel. Divide means and deviations of pixels in 0 ... 255 by "
                "255."
            )
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))

    def quantize(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return d = u - z and s = 1 / 255."""
        pixels = x.dtype == torch.uint8
        dtype = torch.promote_types(self.std.dtype, torch.float32) if pixels else x.dtype
        scale = torch.full((), 1 / INPUT_LEVELS, dtype=dtype, device=x.device)
        if pixels:
            return x.to(dtype) - self.zero_point().to(dtype), scale
        raw = x * self._spread(self.std).to(dtype) + self._spread(self.mean).to(dtype)
        return quantize_ste(raw, scale, 0, INPUT_LEVELS) - self.zero_point().to(dtype), scale

    def zero_point(self) -> Tensor:
        """Return z (C, 1, 1), or (1,) for one channel: rint(255 mean)."""
        return self._spread((self.mean * INPUT_LEVELS).round())

    def fold(self, weight: Tensor, groups: int) -> Tensor:
        """Return W / std of the input channel that each weight meets: (O, C / groups, KH, KW) or (O, features)."""
        std = self.std.to(weight.dtype)
        if len(std) == 1:
            return weight / std
        per_group = std.view(groups, 1, -1).expand(-1, weight.shape[0] // groups, -1)
        return weight / per_group.reshape(weight.shape[0], -1, 1, 1)

    def extra_repr(self) -> str:
        """Return the zero points, for print(layer)."""
        return f"zero_point={self.zero_point().flatten().int().tolist()}"

    def _spread(self, v: Tensor) -> Tensor:
        return v if len(v) == 1 else v[:, None, None]


class LearnedQuantizer(InputQuantizer):
    """Rounds activations of any shape to 8 bits on a scale that is learned with the network.

    Forward: d = clamp(rint(x / s), -z, 255 - z), u = d + z, with s = start * 2^t. z is 0 for activations that are never
    negative (u is a uint8), else 128 (d is an int8). `start`, and z if `signed` is None, come from the first training
    batch that is not all zeros: max |x| / 255, or max |x| / 127 if signed. From then on t, a parameter that begins at
    0, is learned. Before that batch, evaluation uses the values of its own batch.
    Backward: dC/dx = dC/dd * inside / s; dC/dt = dC/ds * s ln 2, with dC/ds as in `quantize_ste`, where inside =
    1(-z <= rint(x / s) <= 255 - z).

    Args:
        signed: whether x can be negative; None lets the first training batch decide.

    Source: Esser et al., Learned Step Size Quantization (ICLR 2020), for dC/ds; Jain et al., Trained Quantization
    Thresholds (MLSys 2020), for learning its logarithm: s stays positive, and a step of Adam changes it by a share of
    itself. Differences: s is not a power of two, and the start is max |x|; weight decay pulls s back to that start.
    """

    start: Tensor
    zero: Tensor

    def __init__(self, signed: bool | None = None) -> None:
        super().__init__()
        self.signed = signed
        self.log2_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("start", torch.zeros(()))  # 0: no training batch seen
        self.register_buffer("zero", torch.tensor(float(SIGNED_ZERO if signed else 0)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return d and s; in training, settle `start` and `zero` if they are not."""
        if self.training:
            start, zero = self._settings(x)
            self.start.copy_(start)
            self.zero.copy_(zero)
        return self.quantize(x)

    def quantize(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return d and s."""
        start, zero = self._settings(x)
        start = torch.where(start > 0, start, 1)  # all x are 0: any scale will do
        scale = start * torch.exp2(self.log2_scale.to(x.dtype))
        return quantize_ste(x, scale, -zero, INPUT_LEVELS - zero), scale

    def zero_point(self) -> Tensor:
        """Return z, 0 or 128, a scalar tensor."""
        return self.zero

    def check_(self) -> None:
        """Raise InputError if no training batch has settled the scale."""
        if not self.start > 0:
            raise InputError(
                "the input scale of this layer is not settled: it has seen no training batch with a value other than "
                "0. Run one batch through the model in training mode first."
            )

    def extra_repr(self) -> str:
        """Return the settled values, for print(layer)."""
        return f"signed={self.signed}, start={self.start.item():.4g}, zero_point={int(self.zero.item())}"

    @torch.no_grad()
    def _settings(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (start, zero) in the dtype of x: the settled ones, or those of x (start 0 if it is all zeros).

        Tensors select them, not a branch, so that the module compiles and exports as one graph.
        """
        start, zero = self.start.to(x.dtype), self.zero.to(x.dtype)
        if x.numel() == 0:
            return start, zero
        low, high = torch.aminmax(x)
        signed = low < 0 if self.signed is None else torch.full_like(low, float(self.signed)) > 0
        found = torch.where(signed, torch.maximum(-low, high) / WEIGHT_LIMIT, high.clamp(min=0) / INPUT_LEVELS)
        found = torch.where(torch.isfinite(found), found, 0)
        settled = start > 0
        return torch.where(settled, start, found), torch.where(settled, zero, signed * float(SIGNED_ZERO))
