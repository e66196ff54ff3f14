"""The operations of version 1 as a table: what each reads, its attributes, and the plan of its value and tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xnorkit.errors import FormatError
from xnorkit.format import layer_plans, value_plans
from xnorkit.format.graph import Kind
from xnorkit.format.plans import Planner
from xnorkit.format.rules import MAX_PADDING, Rule, boolean, bound, integer, integers, one_of, positive, shown

__all__ = ["ACTIVATIONS", "MAX_INPUTS", "OPS", "Op", "find_op"]

MAX_INPUTS = 1024
"""Most values that one node reads."""
ACTIVATIONS = ("sigmoid", "tanh", "silu", "gelu", "hardsigmoid", "hardswish", "softmax")


@dataclass(frozen=True)
class Op:
    """An operation: kinds of value it reads, its plan, rules of its attributes, and how many values it reads."""

    reads: tuple[Kind, ...]
    plan: Planner
    attributes: Mapping[str, Rule] = field(default_factory=dict)
    inputs: tuple[int, int] = (1, 1)


_PADDING = integers(4, 0, MAX_PADDING)
_WINDOW: dict[str, Rule] = {"kernel": integers(2, 1), "stride": integers(2, 1), "padding": _PADDING}
_DILATED: dict[str, Rule] = {**_WINDOW, "dilation": integers(2, 1)}
_CONV: dict[str, Rule] = {**_DILATED, "groups": integer(1), "in_channels": integer(1), "out_channels": integer(1)}
_LINEAR: dict[str, Rule] = {"out_features": integer(1)}
_EPILOGUE: dict[str, Rule] = {"epilogue": one_of("bits", "float")}
_PAIR = (2, 2)


def _epilogues(reads: Kind, planner: Any, attributes: Mapping[str, Rule]) -> dict[str | None, Op]:
    return {
        "bits": Op((reads,), planner("bits"), {**attributes, **_EPILOGUE}),
        "float": Op((reads,), planner("f32"), {**attributes, **_EPILOGUE}),
    }


def _f32(plan: Planner, attributes: Mapping[str, Rule] | None = None, inputs: tuple[int, int] = (1, 1)) -> Any:
    return {None: Op(("f32",), plan, attributes or {}, inputs)}


OPS: Mapping[str, Mapping[str | None, Op]] = {
    "float_conv2d": _f32(layer_plans.float_layer, _CONV),
    "float_linear": _f32(layer_plans.float_layer, _LINEAR),
    "binary_weight_conv2d": _f32(layer_plans.binary_weight, _CONV),
    "binary_weight_linear": _f32(layer_plans.binary_weight, _LINEAR),
    "int8_conv2d": _epilogues("u8", layer_plans.int8, _CONV),
    "int8_linear": _epilogues("u8", layer_plans.int8, _LINEAR),
    "binary_conv2d": _epilogues("bits", layer_plans.binary, _CONV),
    "binary_linear": _epilogues("bits", layer_plans.binary, _LINEAR),
    "pack": _f32(value_plans.pack),
    "quantize_u8": _f32(value_plans.quantize, {"scale": positive, "zero_point": integer(0, 255)}),
    "max_pool_bits": {None: Op(("bits",), value_plans.max_pool_bits, _WINDOW)},
    "max_pool": _f32(value_plans.max_pool, _DILATED),
    "avg_pool": _f32(value_plans.avg_pool, {**_WINDOW, "ceil_mode": boolean, "count_include_pad": boolean}),
    "global_avg_pool": _f32(value_plans.global_pool),
    "add": _f32(value_plans.broadcast, inputs=_PAIR),
    "multiply": _f32(value_plans.broadcast, inputs=_PAIR),
    "concat": {None: Op(("f32", "bits"), value_plans.concat, {}, (2, MAX_INPUTS))},
    "affine": _f32(value_plans.affine),
    "clip": _f32(value_plans.clip, {"min": bound, "max": bound}),
    "prelu": _f32(value_plans.prelu),
    "activation": _f32(value_plans.same, {"function": one_of(*ACTIVATIONS)}),
    "pad": _f32(value_plans.pad, {"padding": _PADDING, "channels": integers(2, 0, MAX_PADDING)}),
    "pad_bits": {None: Op(("bits",), value_plans.pad_bits, {"padding": _PADDING})},
    "gather_channels": {None: Op(("f32", "bits"), value_plans.gather_channels, {"out_channels": integer(1)})},
    "k_map": _f32(value_plans.k_map, _DILATED),
}
"""op -> epilogue (None where the op has no such attribute) -> what it is."""


def find_op(op: str, attributes: Mapping[str, Any]) -> Op:
    """Return the entry of the table; FormatError if there is none."""
    if op not in OPS:
        raise FormatError(f"'op' is {shown(op)}; required: one of {', '.join(OPS)}.")
    variants = OPS[op]
    if None in variants:
        return variants[None]
    if "epilogue" not in attributes:
        raise FormatError('attributes: \'epilogue\' is missing; required: "bits" or "float".')
    epilogue = attributes["epilogue"]
    if not isinstance(epilogue, str) or epilogue not in variants:
        raise FormatError(f'attribute \'epilogue\': received {shown(epilogue)}; required: "bits" or "float".')
    return variants[epilogue]
