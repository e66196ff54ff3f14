"""What stands between two layers, evaluated: thresholds for a sign, directions for pools, a ReLU before floats."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xnorkit.errors import ExportError
from xnorkit.export.segments import Segment
from xnorkit.export.thresholds import FLOAT_REACH, Thresholds, direction, float_thresholds, integer_thresholds
from xnorkit.export.trace import NORM, Step
from xnorkit.nn import BinaryConv2d, BinaryLinear

__all__ = ["chain_thresholds", "ends_in_relu", "pool_falling", "reach"]


def ends_in_relu(part: Segment) -> bool:
    """Return whether a ReLU follows the producer; for a segment whose consumer reads floats.

    Raises:
        ExportError: anything else stands between two float values.
    """
    relu = False
    for step in part.between:
        if isinstance(step.module, nn.ReLU) and not relu and part.producer is not None:
            relu = True
        elif step.kind != "flatten":
            reader = f"'{part.consumer.name}'" if part.consumer else "the model's output"
            raise ExportError(
                f"'{step.name}' ({type(step.module).__name__}) stands between '{part.label}' and {reader}, which "
                "reads floats. Required there: nothing, or one ReLU right after the layer. Anything else is expressed "
                "only in front of a binary layer, as thresholds: fold it in, or make the next layer binary."
            )
    return relu


def chain_thresholds(part: Segment) -> Thresholds:
    """Return the thresholds of all that stands between the producer's value and the bits that the consumer reads.

    Raises:
        ExportError: the chain is not monotone, or pools in front of a batch norm per position.
    """
    _check_positions(part)
    if part.binary:
        return integer_thresholds(lambda dots: _signs(part, dots), reach(part), part.label)
    for step in part.between:
        if step.kind == "elementwise" and not _monotone_in_float32(step.module):
            raise ExportError(
                f"'{step.name}' ({type(step.module).__name__}) stands between the float value of '{part.label}' and a "
                "sign; required there: BatchNorm, ReLU, ReLU6, Hardtanh, or LeakyReLU / PReLU with slopes >= 0."
            )
    return float_thresholds(lambda values: _signs(part, values))


def pool_falling(part: Segment, index: int, thresholds: Thresholds) -> NDArray[np.uint8]:
    """Return 1 per channel where the pool at `part.between[index]` is an OR of bits, 0 where it is an AND.

    Let h be the chain in front of the pool and g the one behind, f = g(h(x)). sign(g(max h)) over a window is, for a
    rising g, the maximum of the signs (+1 if any is: AND, as bit 1 means -1), for a falling g their minimum (OR).
    g falls where exactly one of f and h does.
    """
    head = part.between[:index]
    if part.binary:
        rising = direction(lambda dots: _evaluate(part, head, dots), reach(part), part.label)
    else:
        low, high = _evaluate(part, head, torch.tensor([[-FLOAT_REACH], [FLOAT_REACH]]))
        rising = np.where((high >= low).numpy(), 1, -1).astype(np.int8)
    return thresholds.flip ^ (rising < 0).astype(np.uint8)


def reach(part: Segment) -> int:
    """Return K, the largest absolute dot of a binary producer: bits per filter."""
    return _binary_layer(part).weight[0].numel()


def _signs(part: Segment, values: Tensor) -> Tensor:
    """Return the signs that the consumer's own activation binarizer makes of the chain: (V, C) or (V, C, H, W)."""
    return _per_image_value(part, _consumer(part).activation_pre_process(_run(part, part.between, values)))


def _evaluate(part: Segment, between: Sequence[Step], values: Tensor) -> Tensor:
    """Return what the trained chain makes of `values` in front of the sign: (V, C) or (V, C, H, W)."""
    return _per_image_value(part, _run(part, between, values))


def _run(part: Segment, between: Sequence[Step], values: Tensor) -> Tensor:
    """Return what the trained chain makes of `values`; pools are left out, as they commute with monotone functions.

    values: (V, 1) or (V, C) numbers that the producer's sum can take; a binary layer's scale and bias come first.
    Returns (V, C) or (V, C, 1, 1), or (V, C * H * W) where modules behind the flatten differ by position.
    """
    channels, height, width = part.value_shape
    flat = part.producer is not None and len(part.producer.out_shape) == 1
    value = values.expand(-1, channels)
    value = value if flat else value[:, :, None, None]
    if part.binary:
        value = _binary_layer(part).scale_and_shift(value)
    for step in between:
        if step.kind == "flatten":
            value = value.expand(-1, -1, height, width) if _positions_differ(part) else value
            value = value.flatten(1)
        elif step.kind == "elementwise":
            value = step.module(value)
    return value


def _per_image_value(part: Segment, value: Tensor) -> Tensor:
    channels, height, width = part.value_shape
    return value.flatten(1) if value.shape[1] == channels else value.reshape(-1, channels, height, width)


def _positions_differ(part: Segment) -> bool:
    """True where a module behind the flatten has parameters of its own for each position."""
    channels, height, width = part.value_shape
    return height * width > 1 and any(_is_wide(module, channels) for module in _modules(part).values())


def _modules(part: Segment) -> dict[str, nn.Module]:
    """Return what stands in front of the consumer's bits, by name: the steps, then its activation binarizer."""
    modules = {step.name: step.module for step in part.between}
    if part.consumer is not None and part.consumer.kind == "binary":
        modules[part.consumer.name] = _consumer(part).activation_pre_process
    return modules


def _is_wide(module: nn.Module, channels: int) -> bool:
    """True if a parameter or statistic of `module` has more numbers than there are channels."""
    return any(tensor.numel() > channels for tensor in module.state_dict().values())


def _check_positions(part: Segment) -> None:
    pool = next((step for step in part.between if step.kind == "max_pool"), None)
    if pool is None:
        return
    for name, module in _modules(part).items():
        if _is_wide(module, part.value_shape[0]):
            raise ExportError(
                f"'{pool.name}' pools in front of '{name}', which treats every position on its own; required: one "
                "value per channel (BatchNorm2d before the flatten), so that the pool can move onto bits."
            )


def _monotone_in_float32(module: nn.Module) -> bool:
    """True for activations that stay monotone after rounding, so that bisection over floats is exact."""
    if isinstance(module, nn.LeakyReLU):
        return module.negative_slope >= 0
    if isinstance(module, nn.PReLU):
        return bool((module.weight >= 0).all())
    return isinstance(module, (*NORM, nn.ReLU, nn.ReLU6, nn.Hardtanh))


def _consumer(part: Segment) -> BinaryConv2d | BinaryLinear:
    assert part.consumer is not None
    assert isinstance(part.consumer.module, BinaryConv2d | BinaryLinear)
    return part.consumer.module


def _binary_layer(part: Segment) -> BinaryConv2d | BinaryLinear:
    assert part.producer is not None
    assert isinstance(part.producer.module, BinaryConv2d | BinaryLinear)
    return part.producer.module
