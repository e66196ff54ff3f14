"""The operations of version 1 in one table, shared by all readers of a graph: format, proof, targets, engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from xnorkit.errors import FormatError
from xnorkit.format import layer_plans, value_plans
from xnorkit.format.graph import Kind, Node, ValueSpec
from xnorkit.format.rules import MAX_PADDING, Rule, boolean, bound, integer, integers, one_of, positive, shown
from xnorkit.format.tensors import Attributes, Plan

__all__ = ["ACTIVATIONS", "MAX_INPUTS", "OPERATIONS", "Operation", "family_of", "find_operation", "operation_of"]

MAX_INPUTS = 1024
"""Most values that one node reads."""
ACTIVATIONS = ("sigmoid", "tanh", "silu", "gelu", "hardsigmoid", "hardswish", "mish", "softmax")

Layer = Literal["float", "binary_weight", "int8", "binary"]
WEIGHT_BITS: Mapping[Layer, int] = {"float": 32, "binary_weight": 1, "int8": 8, "binary": 1}


@dataclass(frozen=True)
class Operation:
    """What is known about an operation before its attributes are known.

    Attributes:
        reads: kinds of value.
        plan: (attributes, values it reads) -> the value it makes and the tensors it needs; checks everything that a
            rule for a single attribute cannot.
        attributes: name -> rule of the value.
        inputs: fewest and most values that it reads.
        layer: family of a layer with weights: a convolution, or a linear layer, whose kernel is the whole value.
        exact: its numbers have at most one rounding, or are sums whose order docs/format.md gives.
        step: works on each number separately, on a whole row at once.
    """

    reads: tuple[Kind, ...]
    plan: Callable[[Attributes, Sequence[ValueSpec]], Plan]
    attributes: Mapping[str, Rule] = field(default_factory=dict)
    inputs: tuple[int, int] = (1, 1)
    layer: Layer | None = None
    exact: bool = False
    step: bool = False

    @property
    def weight_bits(self) -> int:
        """Bits of one weight; 0 without weights."""
        return 0 if self.layer is None else WEIGHT_BITS[self.layer]

    @property
    def binary(self) -> bool:
        """Whether it counts bits: its weights and its inputs are signs."""
        return self.layer == "binary"

    @property
    def integer(self) -> bool:
        """Whether its sums are integers, which an epilogue turns into bits or float32."""
        return self.layer in ("binary", "int8")


_PADDING = integers(4, 0, MAX_PADDING)
_WINDOW: dict[str, Rule] = {"kernel": integers(2, 1), "stride": integers(2, 1), "padding": _PADDING}
_DILATED: dict[str, Rule] = {**_WINDOW, "dilation": integers(2, 1)}
_CONV: dict[str, Rule] = {**_DILATED, "groups": integer(1), "in_channels": integer(1), "out_channels": integer(1)}
_LINEAR: dict[str, Rule] = {"out_features": integer(1)}
_EPILOGUE: dict[str, Rule] = {"epilogue": one_of("bits", "float")}
_MEAN: dict[str, Rule] = {**_WINDOW, "ceil_mode": boolean, "count_include_pad": boolean}
_QUANTIZED: dict[str, Rule] = {"scale": positive, "zero_point": integer(0, 255)}
_PADDED: dict[str, Rule] = {"padding": _PADDING, "channels": integers(2, 0, MAX_PADDING)}
_F32: tuple[Kind, ...] = ("f32",)
_BITS: tuple[Kind, ...] = ("bits",)
_EITHER: tuple[Kind, ...] = ("f32", "bits")


def _layers(layer: Layer, reads: Kind, plan: Callable[[Attributes, Sequence[ValueSpec]], Plan]) -> dict[str, Operation]:
    """Return the two rows of a family of layers."""
    more = _EPILOGUE if layer in ("binary", "int8") else {}
    kinds = {"conv2d": _CONV, "linear": _LINEAR}
    return {
        f"{layer}_{kind}": Operation((reads,), plan, {**rules, **more}, layer=layer) for kind, rules in kinds.items()
    }


OPERATIONS: Mapping[str, Operation] = {
    **_layers("float", "f32", layer_plans.float_layer),
    **_layers("binary_weight", "f32", layer_plans.binary_weight),
    **_layers("int8", "u8", layer_plans.int8),
    **_layers("binary", "bits", layer_plans.binary),
    "pack": Operation(_F32, value_plans.pack),
    "quantize_u8": Operation(_F32, value_plans.quantize, _QUANTIZED),
    "max_pool_bits": Operation(_BITS, value_plans.max_pool_bits, _WINDOW),
    "max_pool": Operation(_F32, value_plans.max_pool, _DILATED, exact=True),
    "avg_pool": Operation(_F32, value_plans.avg_pool, _MEAN, exact=True),
    "global_avg_pool": Operation(_F32, value_plans.global_pool, exact=True),
    "add": Operation(_F32, value_plans.broadcast, inputs=(2, 2), exact=True, step=True),
    "multiply": Operation(_F32, value_plans.broadcast, inputs=(2, 2), exact=True, step=True),
    "concat": Operation(_EITHER, value_plans.concat, inputs=(2, MAX_INPUTS), exact=True),
    "affine": Operation(_F32, value_plans.affine, exact=True, step=True),
    "clip": Operation(_F32, value_plans.clip, {"min": bound, "max": bound}, exact=True, step=True),
    "prelu": Operation(_F32, value_plans.prelu, exact=True, step=True),
    "activation": Operation(_F32, value_plans.same, {"function": one_of(*ACTIVATIONS)}),
    "pad": Operation(_F32, value_plans.pad, _PADDED, exact=True),
    "pad_bits": Operation(_BITS, value_plans.pad_bits, {"padding": _PADDING}),
    "gather_channels": Operation(_EITHER, value_plans.gather_channels, {"out_channels": integer(1)}, exact=True),
    "k_map": Operation(_F32, value_plans.k_map, _DILATED),
}


def find_operation(op: str) -> Operation:
    """Return the row of the table for `op`; FormatError if there is none."""
    if op not in OPERATIONS:
        raise FormatError(f"'op' is {shown(op)}, but it must be one of {', '.join(OPERATIONS)}.")
    return OPERATIONS[op]


def operation_of(node: Node) -> Operation:
    """Return the row of a valid node."""
    return OPERATIONS[node.op]


def family_of(node: Node) -> str:
    """Return the key of a valid node in a reader's table of functions: its family of layers, or its op."""
    return OPERATIONS[node.op].layer or node.op
