"""The figures of a torch module, from its parameters and one forward pass."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.inspection.figures import LayerFigures, ModelSummary
from xnorkit.inspection.macs import WEIGHT_LAYERS, macs
from xnorkit.inspection.run import Call, record_calls
from xnorkit.nn import find_dead_signs
from xnorkit.nn._float_weights import why_float
from xnorkit.nn._latent import LatentWeight
from xnorkit.nn.integer import IntegerLayer
from xnorkit.nn.prepare import MODULES_MAPPING

__all__ = ["summary"]

NEVER_NEGATIVE = "all signs are +1, the input is never negative"
SCALE_BYTES = 4  # float32 scale or int32 threshold per filter


def summary(model: nn.Module, input_shape: Sequence[int], *, name: str | None = None) -> ModelSummary:
    """Return what `model` consists of, layer by layer: bits, shapes, parameters, multiply-adds, memory.

    Layers are the modules that hold parameters or floating buffers, in the order in which their first calls end; those
    never called come last. The model evaluates one input of zeros. This changes neither its mode, its buffers (such as
    the statistics of a batch norm) and its hooks nor the random state. Multiply-adds of attention
    and of products and convolutions that a forward calls as functions are of no layer; `macs_functions` has them, and
    the total includes them. A module used several times is one layer: its memory
    counts once, its multiply-adds as often as it is called. Signs that are all +1 are noted
    (`xnorkit.nn.find_dead_signs`).

    Args:
        model: any module whose forward takes one tensor.
        input_shape: of one input, without the batch: (C, H, W) for images.
        name: title; the class name by default.

    Raises:
        InputError: the model does not run on that input.

    Examples:
        >>> figures = summary(create_model("lenet5"), (1, 28, 28))
        >>> figures.total.params_1bit
        425000
        >>> print(figures)  # doctest: +SKIP
    """
    shape = tuple(input_shape)
    if not shape or any(not isinstance(size, int) or size < 1 for size in shape):
        raise InputError(f"input_shape={input_shape!r}, but it must hold positive integers, such as (3, 32, 32).")
    layers = _layers(model)
    calls, functions = record_calls(model, [module for _, module in layers], shape, WEIGHT_LAYERS)
    order: list[nn.Module] = [call.module for call in calls if isinstance(call.module, WEIGHT_LAYERS)]
    first: dict[int, int] = {}
    for index, call in enumerate(calls):
        first.setdefault(id(call.module), index)
    layers.sort(key=lambda layer: first.get(id(layer[1]), len(calls)))
    counted: set[int] = set()
    dead = {
        sign.name: f"all signs are +1, the input is never negative: {sign.reason}" for sign in find_dead_signs(model)
    }
    rows = tuple(
        replace(_figures(name, module, calls, order, counted), warning=dead.get(name, "")) for name, module in layers
    )
    return ModelSummary(name or type(model).__name__, shape, rows, macs_functions=functions)


def _layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return names and modules with numbers of their own; a convolution or linear layer owns the modules inside it."""
    layers: list[tuple[str, nn.Module]] = []
    inside: set[int] = set()
    for name, module in model.named_modules():
        if id(module) in inside:
            continue
        whole = isinstance(module, WEIGHT_LAYERS)
        if whole:
            inside |= {id(child) for child in module.modules()}
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        if whole or any(tensor.is_floating_point() for tensor in own):
            layers.append((name, module))
    return layers


def _figures(
    name: str, module: nn.Module, calls: list[Call], order: list[nn.Module], counted: set[int]
) -> LayerFigures:
    own = [call for call in calls if call.module is module]
    reason = _reason(module, order)
    factors = _factor_bits(module)
    bits, work_bits = factors[1], max(factors)
    whole = isinstance(module, WEIGHT_LAYERS)
    parameters = _unseen(module.parameters(recurse=whole), counted)
    buffers = [b for b in _unseen(module.buffers(recurse=whole), counted) if b.is_floating_point()]
    weight: Any = getattr(module, "weight", None)
    packed = next((p for p in parameters if p is weight), None) if bits < 32 else None
    rest = [*(p for p in parameters if p is not packed), *buffers]
    low = 0 if packed is None else packed.numel()
    params = sum(p.numel() for p in parameters)
    work = sum(macs(module, c.input_shape, c.output_shape) for c in own if whole and c.input_shape and c.output_shape)
    return LayerFigures(
        name=name,
        kind=type(module).__name__,
        binary=not reason,
        reason=reason,
        bits=bits,
        input_shape=_first(own, "input_shape"),
        output_shape=_first(own, "output_shape"),
        calls=len(own),
        params=params,
        params_1bit=low if bits == 1 else 0,
        params_8bit=low if bits == 8 else 0,
        params_32bit=params - low,
        macs_1bit=work if work_bits == 1 else 0,
        macs_8bit=work if work_bits == 8 else 0,
        macs_32bit=work if work_bits == 32 else 0,
        float_bytes=_bytes([*parameters, *buffers]),
        bytes=_bytes(rest) + (0 if packed is None else _packed_bytes(packed, bits)),
        simulated=(not reason and isinstance(module, LatentWeight) and module.simulated_reason()) or "",
    )


def _factor_bits(module: nn.Module) -> tuple[int, int]:
    """Return the bits of an activation and of a weight."""
    if isinstance(module, LatentWeight):
        return module.factor_bits()
    return (8, 8) if isinstance(module, IntegerLayer) else (32, 32)


def _reason(module: nn.Module, order: list[nn.Module]) -> str:
    """Return why the products of `module` are not products of bits, "" if they are."""
    if max(_factor_bits(module)) == 1:
        return ""
    own = getattr(module, "bit_reason", None)
    if callable(own):
        return own() or ""
    stays = why_float(module, MODULES_MAPPING)
    if not isinstance(module, WEIGHT_LAYERS):
        return stays or "not a convolution or linear layer"
    if not any(module is other for other in order):
        return "not called in forward"
    if module is order[0]:
        return "first layer: reads the input"
    inner = stays or f"a {type(module).__name__} with float weights; prepare_binary_model makes it binary"
    return "last layer: its numbers are the answer" if module is order[-1] else inner


def _packed_bytes(weight: Tensor, bits: int) -> int:
    """Return the bytes of the filters (O, ...), each padded to a byte, and of one scale each."""
    return len(weight) * (-(-prod(weight.shape[1:]) * bits // 8) + SCALE_BYTES)


def _unseen(tensors: Any, counted: set[int]) -> list[Tensor]:
    """Return those of `tensors` that no layer has counted yet, and note them."""
    new = [tensor for tensor in tensors if id(tensor) not in counted]
    counted.update(id(tensor) for tensor in new)
    return new


def _bytes(tensors: list[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _first(calls: list[Call], field: str) -> tuple[int, ...] | None:
    shape: tuple[int, ...] | None = getattr(calls[0], field) if calls else None
    return shape and shape[1:]
