"""Eight-bit integers with straight-through gradients: rounding, clamping, the scale of a filter, exact sums."""

from typing import Any

import torch
from torch import Tensor

__all__ = [
    "INPUT_LEVELS",
    "MAX_FLOAT32_PRODUCTS",
    "WEIGHT_LIMIT",
    "filter_scale",
    "quantize_ste",
    "round_ste",
    "sum_dtype",
]

INPUT_LEVELS = 255  # of uint8: 0 ... 255
WEIGHT_LIMIT = 127  # of int8 without -128, so that -q exists for every q
# Every partial sum of n products of |d| <= 255 and |q| <= 127 is at most 255 * 127 * n = 32,385 n; float32 holds all
# integers up to 2^24 = 16,777,216, hence n <= 518.
MAX_FLOAT32_PRODUCTS = 2**24 // (INPUT_LEVELS * WEIGHT_LIMIT)
SMALLEST_SCALE = 2.0**-100  # for a filter of zeros; any positive number works, and products with this one stay normal


class _RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return grads[0]


def round_ste(x: Tensor) -> Tensor:
    """Return x rounded to the nearest integer, halves to even, with a gradient that passes straight through.

    Forward: y = rint(x), as in IEEE 754 and NumPy: 0.5 -> 0, 1.5 -> 2, -0.5 -> -0. Backward: dC/dx = dC/dy.

    Source: Bengio et al., Estimating or Propagating Gradients Through Stochastic Neurons (2013).
    """
    return _RoundSTE.apply(x)


def quantize_ste(x: Tensor, scale: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """Return q = clamp(rint(x / s), low, high), of the shape and dtype of x, so that s * q represents x.

    Backward, with v = x / s and inside = 1(low <= rint(v) <= high):
    dC/dx = dC/dq * inside / s; dC/ds = sum dC/dq * inside * (-v / s).
    For the product s * q this makes d(s q)/dx = inside and d(s q)/ds = q - v inside, q outside: the rule of LSQ.

    Args:
        x: float tensor.
        scale: s > 0, broadcast over x; its gradient is summed back to its shape.
        low: the smallest integer, broadcast over x.
        high: the largest integer, a tensor or a number, like `low`.

    Source: Esser et al., Learned Step Size Quantization (ICLR 2020), eq. 1-3. Difference: a value that rounds to the
    border counts as inside, whereas the paper has low < v < high. The largest weight of a filter thus keeps its
    gradient even if its v is 127.00001.
    """
    return torch.clamp(round_ste(x / scale), low, high)  # type: ignore[arg-type]


def filter_scale(w: Tensor) -> Tensor:
    """Return the positive s (O,) = max |W| / 127 per output filter, without a gradient: (O, ...) -> (O,).

    Thus |W / s| <= 127 (1 + 2^-22), which rounds into [-127, 127], so no weight is ever clamped.
    """
    return (w.detach().flatten(1).abs().amax(1) / WEIGHT_LIMIT).clamp(min=SMALLEST_SCALE)


def sum_dtype(products: int, dtype: torch.dtype) -> torch.dtype:
    """Return the dtype in which a sum of `products` products of 9-bit and 8-bit integers is exact in any order.

    This is `dtype` (at least float32) up to 518 products, and float64, which is exact up to 2^53, for more.
    """
    return dtype if products <= MAX_FLOAT32_PRODUCTS else torch.float64
