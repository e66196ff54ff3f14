"""Integer and float thresholds, found by evaluating the trained chain itself.

A chain (scale, bias, batch norm, activation) between a layer's value x and the next sign is a function f of x alone,
per channel or per position. If sign(f(x)) changes at most once as x grows, the bit that is stored (1 means -1) is

    rising:  bit = x <  t                with t the smallest x where f(x) >= 0
    falling: bit = (x < t) xor 1         with t the smallest x where f(x) <  0

so `bit = (x < threshold) xor flip` covers both. Because the trained modules themselves evaluate f in float32, the bits
are equal by construction, however those modules round.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xnorkit.errors import ExportError

__all__ = [
    "FLOAT_REACH",
    "Thresholds",
    "bisected_thresholds",
    "direction",
    "float_thresholds",
    "integer_thresholds",
]

Chain = Callable[[Tensor], Tensor]
CHUNK_ELEMENTS = 1 << 24
FLOAT_REACH = 1e30
SAMPLES = 17


@dataclass(frozen=True)
class Thresholds:
    """`bit = (x < threshold) xor flip`; both of the shape of one image's channels (C,) or positions (C, H, W)."""

    threshold: NDArray[np.int32] | NDArray[np.float32]
    flip: NDArray[np.uint8]


def integer_thresholds(chain: Chain, reach: int, name: str) -> Thresholds:
    """Return the thresholds of `chain` on the integer dots -reach..reach.

    Args:
        chain: maps dots (V, 1) float32, one for all channels, to values before the sign (V, C) or (V, C, H, W).
        reach: largest absolute dot, K = taps * channels.
        name: the module named in the error.

    Raises:
        ExportError: the sign changes more than once, as after a PReLU with a negative slope.
    """
    minus = _evaluate_minus(chain, torch.arange(-reach, reach + 1, dtype=torch.float32))
    changes = (minus[1:] ^ minus[:-1]).sum(dim=0)
    if bool((changes > 1).any()):
        channel = int((changes > 1).nonzero()[0][0])
        raise ExportError(
            f"the sign after '{name}' changes {int(changes.max())} times as its integer dot grows (first in channel "
            f"{channel}), but the chain must be monotone. A PReLU with negative slope or a non-monotone activation "
            "between two binary layers cannot become one threshold."
        )
    # The number of values below the change is its position. A constant sign never changes and needs no flip:
    # all -1: d < reach + 1 always holds; all +1: d < -reach never holds.
    falling = ~minus[0] & minus[-1]
    below = torch.where(falling, ~minus, minus).sum(dim=0)
    threshold = below.to(torch.int64) - reach
    return Thresholds(threshold.to(torch.int32).numpy(), falling.to(torch.uint8).numpy())


def bisected_thresholds(chain: Chain, reach: int, name: str, dtype: torch.dtype = torch.float32) -> Thresholds:
    """Return the thresholds of a monotone `chain` on the integers -reach..reach, by bisection.

    Use it if there are too many sums to evaluate them all. The chain gets them in `dtype`, which must hold them
    exactly: float32 for signs, float64 for the sums of an 8-bit layer, which rounds them itself. Arguments and errors
    are as in `integer_thresholds`.
    """
    first, last, changed = _bisect(chain, -reach, reach, lambda keys: keys.to(dtype), name)
    constant = torch.where(first, reach + 1, -reach)
    threshold = torch.where(first == last, constant, changed)
    return Thresholds(threshold.to(torch.int32).numpy(), (~first & last).to(torch.uint8).numpy())


def float_thresholds(chain: Chain, name: str = "a float value") -> Thresholds:
    """Return the thresholds of a monotone `chain` over the float32 values up to 1e30, by bisection on their order.

    Float32 values are ordered by an integer key, so 32 evaluations of the chain find the exact change. The bound keeps
    the chain's own products finite: a batch norm multiplies by at most 1/sqrt(eps), and inf * 0 would be NaN.
    `chain` maps (1, C) to (1, C) or (V, C) values before the sign; its modules must be monotone in rounded arithmetic.

    Raises:
        ExportError: samples between the ends show that the chain is not monotone.
    """
    low, high = _key(torch.tensor([-FLOAT_REACH, FLOAT_REACH])).tolist()
    first, last, changed = _bisect(chain, low, high, _value, name)
    constant = torch.where(first, torch.inf, -torch.inf)
    threshold = torch.where(first == last, constant, _value(changed))
    return Thresholds(threshold.numpy(), (~first & last).to(torch.uint8).numpy())


def _bisect(
    chain: Chain, lowest: int, highest: int, value: Callable[[Tensor], Tensor], name: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the signs at both ends (True: -1) and the first key whose sign is that of the highest."""
    ends = torch.tensor([[lowest], [highest]])
    minus = _minus(chain(value(ends)))
    first, last = minus[0], minus[1]
    low, high = torch.full(first.shape, lowest), torch.full(first.shape, highest)
    # Invariant: sign at low equals the first, sign at high the last; stops when the keys are neighbours.
    while bool((high - low > 1).any()):
        middle = torch.div(low + high, 2, rounding_mode="floor")
        same = _minus(chain(value(middle)[None]))[0] == first
        low, high = torch.where(same, middle, low), torch.where(same, high, middle)
    samples = torch.linspace(0, 1, SAMPLES, dtype=torch.float64)
    keys = (lowest + samples * (highest - lowest)).round().to(torch.int64)
    for key in keys:
        seen = _minus(chain(value(key.reshape(1, 1))))[0]
        wrong = seen != torch.where(key < high, first, last)
        wrong &= first != last  # a sign that is the same at both ends must be so everywhere
        wrong |= (first == last) & (seen != first)
        if bool(wrong.any()):
            raise ExportError(f"the sign after '{name}' changes more than once, but its chain must be monotone.")
    return first, last, high


def direction(chain: Chain, reach: int, name: str) -> NDArray[np.int8]:
    """Return +1 (non-decreasing) or -1 (non-increasing) per channel of `chain` on the dots -reach..reach."""
    values = chain(torch.arange(-reach, reach + 1, dtype=torch.float32)[:, None])
    steps = values[1:] - values[:-1]
    rising, falling = (steps >= 0).all(dim=0), (steps <= 0).all(dim=0)
    if not bool((rising | falling).all()):
        raise ExportError(
            f"the activation between '{name}' and its max-pool is not monotone, but it must be, as ReLU or "
            "BatchNorm is."
        )
    return np.where(rising.numpy(), 1, -1).astype(np.int8)


def _evaluate_minus(chain: Chain, values: Tensor) -> Tensor:
    """Return (V, ...) bool, True where the sign is -1, evaluated in chunks that bound the memory."""
    width = int(chain(values[:1, None]).numel())
    chunk = max(1, CHUNK_ELEMENTS // width)
    return torch.cat([_minus(chain(part[:, None])) for part in values.split(chunk)])


def _minus(values: Tensor) -> Tensor:
    return ~(values >= 0)


def _key(values: Tensor) -> Tensor:
    """Map float32 to int64 keys of the same order: the bit pattern, mirrored for negative numbers."""
    bits = values.contiguous().view(torch.int32).to(torch.int64)
    return torch.where(bits >= 0, bits, -(bits & 0x7FFFFFFF) - 1)


def _value(keys: Tensor) -> Tensor:
    bits = torch.where(keys >= 0, keys, (-(keys + 1)) | 0x80000000)
    return torch.where(bits >= 1 << 31, bits - (1 << 32), bits).to(torch.int32).view(torch.float32)
