"""Step functions with values other than -1 and +1, and straight-through gradients."""

from typing import Any

from torch import Tensor

from xnorkit.functional.sign import StraightThrough

__all__ = ["heaviside_ste", "quantize_unit_ste", "ternary_ste"]


class _Heaviside(StraightThrough):
    @staticmethod
    def forward(ctx: Any, x: Tensor, clip: float) -> Tensor:
        ctx.save_for_backward(x.abs() < clip)
        return (x > 0).to(x.dtype)


def heaviside_ste(x: Tensor, clip: float = 1.0) -> Tensor:
    """Return 1 where x > 0 and 0 elsewhere, with a gradient that passes straight through where |x| < clip.

    Backward: dC/dx = dC/dy 1(|x| < clip), for which one bool per element is kept.
    """
    return _Heaviside.apply(x, clip)


class _Ternary(StraightThrough):
    @staticmethod
    def forward(ctx: Any, x: Tensor, threshold: Tensor | float, clip: float) -> Tensor:
        ctx.save_for_backward(x.abs() < clip)
        return (x > threshold).to(x.dtype) - (x < -threshold).to(x.dtype)


def ternary_ste(x: Tensor, threshold: Tensor | float, clip: float = 1.0) -> Tensor:
    """Return +1 where x > threshold, -1 where x < -threshold and 0 between, with a straight-through gradient.

    Backward: dC/dx = dC/dy 1(|x| < clip), for which one bool per element is kept. The threshold, a single number, gets
    no gradient.
    """
    return _Ternary.apply(x, threshold, clip)


class _QuantizeUnit(StraightThrough):
    @staticmethod
    def forward(ctx: Any, x: Tensor, steps: int) -> Tensor:
        ctx.save_for_backward((x >= 0) & (x <= 1))
        return x.clamp(0, 1).mul_(steps).round_().div_(steps)


def quantize_unit_ste(x: Tensor, steps: int) -> Tensor:
    """Return the multiple of 1/steps nearest to x clipped to [0, 1]; halves round to even.

    Backward: dC/dx = dC/dy 1(0 <= x <= 1), for which one bool per element is kept.
    """
    return _QuantizeUnit.apply(x, steps)
