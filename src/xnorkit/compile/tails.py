"""Where functions become flat: PyTorch rounds their numbers there, so that no threshold can repeat the signs."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xnorkit.compile.operations import Add, Concat, KMap, Layer, Multiply, Quantize, Softmax
from xnorkit.compile.pointwise import Pointwise, Sign
from xnorkit.compile.values import Value

__all__ = ["tail_at"]

FADED = 1e-6
"""Thresholds closer than this to what a function comes to, as 0 of GELU, lie in its tail."""


def tail_at(value: Value, thresholds: NDArray[np.float32] | NDArray[np.int32]) -> Value | None:
    """Return a function whose flat tail reaches `value` at one of its thresholds, (C,) or (C, H, W), or None."""
    for source, limit in _tails(value):
        limits = limit.reshape(value.shape[0], -1).numpy()
        near = np.abs(thresholds.reshape(len(limits), -1) - limits) < FADED * np.maximum(1, np.abs(limits))
        if bool(near.any()):
            return source
    return None


def _tails(value: Value) -> list[tuple[Value, Tensor]]:
    """Return the functions whose flat tails reach `value`, each with the numbers (1, ...) that they come to there."""
    operation = value.operation
    if isinstance(operation, Multiply) and _is_silu(value):
        return [(value, torch.zeros(1, *value.torch_shape))]
    if isinstance(operation, Pointwise):
        if operation.tails:
            return [(value, torch.full((1, *value.torch_shape), limit)) for limit in operation.tails]
        return _moved_tails(value.inputs[0], operation)
    if isinstance(operation, Sign | Softmax | KMap | Quantize):
        return []
    if isinstance(operation, Layer) and (
        operation.form != "float" or (operation.bias is not None and bool((operation.bias.abs() > FADED).all()))
    ):
        return []
    return _joined_tails(value)


def _joined_tails(value: Value) -> list[tuple[Value, Tensor]]:
    """Return the tails at 0 that remain, channel by channel, where an operation pools, adds or joins its inputs."""
    operation = value.operation
    if isinstance(operation, Add) and not all(map(_vanishes, value.inputs)):
        return []
    channels = [source.shape[0] for source in value.inputs]
    found, first = [], 0
    for source, count in zip(value.inputs, channels, strict=True):
        for of, limit in _tails(source):
            whole = torch.full((1, *value.torch_shape), torch.nan)
            rows = whole.reshape(value.shape[0], -1)
            zero = (limit.reshape(count, -1) == 0).any(1)
            if isinstance(operation, Concat):
                rows[first : first + count][zero] = 0
            elif count == value.shape[0]:
                rows[zero] = 0
            elif zero.all():
                rows.zero_()
            found.append((of, whole))
        first += count
    return found


def _is_silu(product: Value) -> bool:
    """Return whether functions of one value are multiplied, one of which rounds at its end, as x sigmoid(x) does."""
    paths = [_path(source) for source in product.inputs]
    steps = [step.operation for path in paths for step in path if isinstance(step.operation, Pointwise)]
    return len({path[-1] for path in paths}) == 1 and any(step.tails for step in steps)


def _vanishes(value: Value) -> bool:
    """Return whether many numbers of `value` may be 0, or almost: in a tail, or after a ReLU."""
    operation = value.operation
    clips = isinstance(operation, Pointwise) and operation.step is not None and operation.step[0] == "clip"
    return clips or bool(_tails(value))


def _moved_tails(source: Value, operation: Pointwise) -> list[tuple[Value, Tensor]]:
    """Return the tails of `source` after a step: a clip at a tail makes it exact, and another function ends it."""
    op, attributes, _ = operation.step or ("activation", {}, {})
    if op == "activation":
        return []
    moved = [(of, limit, operation.run(limit)) for of, limit in _tails(source)]
    if op == "clip":
        low, high = (-math.inf if attributes["min"] is None else attributes["min"]), attributes["max"]
        high = math.inf if high is None else high
        moved = [tail for tail in moved if bool(((tail[1] > low) & (tail[1] < high)).any())]
    return [(of, limit) for of, _, limit in moved]


def _path(value: Value) -> list[Value]:
    """Return `value` and what it is a function of, number by number, down to the value that no such function makes."""
    return [value, *(_path(value.inputs[0]) if isinstance(value.operation, Pointwise) else ())]
