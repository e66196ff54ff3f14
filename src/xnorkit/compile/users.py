"""A user's own binarizers: what their class declares is tried on numbers, because nobody knows what they compute."""

import math

import torch
from torch import Tensor, nn

from xnorkit.compile.frontend.capture import is_itself
from xnorkit.compile.values import Value
from xnorkit.errors import ExportError

__all__ = ["check_binary_weight", "differs_by_position", "hook_changes", "is_users"]

BUDGET = 1 << 22
"""About so many numbers go through a binarizer in each of its trials."""


def is_users(process: nn.Module) -> bool:
    """Return whether a binarizer is neither one of this package nor the identity of PyTorch, or has a hook."""
    own = not type(process).__module__.startswith(("xnorkit.", "torch."))
    return own or _has_hook(process) or not is_itself(process)


def _has_hook(process: nn.Module) -> bool:
    """Return whether the process has a hook, which may change what it reads or returns."""
    return bool(process._forward_hooks or process._forward_pre_hooks)


@torch.no_grad()
def hook_changes(process: nn.Module, y: Value, x: Value) -> bool:
    """Return whether a hook changes what an output process makes of random numbers; many only look."""
    if not _has_hook(process):
        return False
    random = torch.Generator().manual_seed(0)
    inputs = [torch.randn(2, *value.torch_shape, generator=random) for value in (y, x)]
    try:
        return not torch.equal(process(*inputs), process.forward(*inputs))
    except Exception:  # of the user's hook
        return True


def check_binary_weight(name: str, process: nn.Module, weight: Tensor, scale: Tensor) -> Tensor:
    """Return the binary weight of a layer, whose process may be the user's own, if it is +1 and -1 throughout.

    Raises:
        ExportError: it is not, or there is no finite scale for each filter.
    """
    if scale.shape != (len(weight),) or not bool(scale.isfinite().all()):
        kind = "finite" if bool(scale.isfinite().all()) else "not finite"
        raise ExportError(
            f"'{name}': the weight binarizer {type(process).__name__} gives a scale of shape {tuple(scale.shape)} that "
            f"is {kind}, but it must be a finite number for each of the {len(weight)} filters."
        )
    odd = weight[weight.abs() != 1]
    if odd.numel():
        raise ExportError(
            f"'{name}': the weight binarizer {type(process).__name__} makes {float(odd[0].abs()):g} of a weight, but "
            "its factors must be +1 and -1 and a scale for each filter."
        )
    return weight


@torch.no_grad()
def differs_by_position(name: str, process: nn.Module, x: Value) -> bool:
    """Return whether a user's activation binarizer gives equal numbers of a channel different signs, by position.

    Raises:
        ExportError: it gives other values than the two that it declares; or its sign changes more than once as a number
            grows; or it is no function of each number alone: of two tensors, mixed at random, it does not give the
            signs of both, mixed in the same way.
    """
    if not is_users(process):
        return False
    kind, random = f"'{name}': the activation binarizer {type(process).__name__}", torch.Generator().manual_seed(0)
    shape, channels = (2, *x.torch_shape), (2, x.shape[0], x.positions)
    different = False
    for trial in range(max(8, min(128, BUDGET // math.prod(shape)))):
        a, b = ((0.3, 1.0, 3.0, 1e3, 1e9)[trial % 5] * torch.randn(shape, generator=random) for _ in range(2))
        a[torch.rand(shape, generator=random) < 0.1] = 0.0
        mask = torch.rand(shape, generator=random) < (0.5, 0.1, 0.9)[trial % 3]
        signs = process(a)
        _check_values(kind, process, a, signs)
        if not torch.equal(process(torch.where(mask, a, b)), torch.where(mask, signs, process(b))):
            raise ExportError(
                f"{kind} makes the sign of a number depend on other numbers, but it must work on each number alone."
            )
        order = torch.randperm(x.positions, generator=random)
        moved = process(a.reshape(channels)[:, :, order].reshape(shape)).reshape(channels)
        different = different or not torch.equal(moved, signs.reshape(channels)[:, :, order])
    if not torch.equal(process(torch.zeros(shape)), process(-torch.zeros(shape))):
        raise ExportError(
            f"{kind} gives 0 and -0 different signs, but they must be the same: they are the same number."
        )
    _check_changes(kind, process, shape)
    try:  # or wants the whole tensor, although it treats all positions alike
        one = process(a.reshape(channels)[:, :, :1].reshape(2, x.shape[0], *(1,) * (len(x.torch_shape) - 1)))
        return different or not torch.equal(one.flatten(), signs.reshape(channels)[:, :, 0].flatten())
    except (RuntimeError, IndexError):
        return True


def _check_values(kind: str, process: nn.Module, numbers: Tensor, signs: Tensor) -> None:
    low, words = (0, "1 and 0") if getattr(process, "zero_one", False) else (-1, "+1 and -1")
    odd = (signs != 1) & (signs != low)
    if signs.shape != numbers.shape or bool(odd.any()):
        made = (
            f"{float(signs[odd][0]):g} of {float(numbers[odd][0]):g}"
            if signs.shape == numbers.shape
            else "another shape"
        )
        raise ExportError(
            f"{kind} makes {made}, but its values must be {words} for every number, 0 included. Return "
            "xnorkit.functional.sign_like(x, surrogate), which is exact, or say in `bit_reason` what they are."
        )


def _check_changes(kind: str, process: nn.Module, shape: tuple[int, ...]) -> None:
    """Refuse a sign that changes more than once on a grid: finely near 0, and by powers up to 1e6."""
    count = max(32, min(500, BUDGET // math.prod(shape) // 2))
    powers = torch.logspace(-6, 6, count)
    grid = torch.cat((-powers, torch.linspace(-20, 20, 2 * count), powers)).sort().values
    before = process(grid[0].expand(shape).clone())
    changes = torch.zeros(shape, dtype=torch.int32)
    for number in grid[1:]:
        signs = process(number.expand(shape).clone())
        changes += signs != before
        before = signs
        if int(changes.max()) > 1:
            raise ExportError(
                f"{kind} changes its sign more than once as a number grows, the last time at {float(number):.3g}, but "
                "it must change once, at a threshold."
            )
