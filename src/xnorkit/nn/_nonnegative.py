"""Finds the values of a traced network that can never be below 0, operation by operation."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import fx, nn

__all__ = ["above_zero", "nonnegative_values"]

Why = str | None  # what makes a value at least 0; None: it may be below 0
Known = Mapping[fx.Node, Why]

MAKES = {
    *("relu", "relu6", "sigmoid", "hardsigmoid", "softmax", "softmin", "softmax2d", "softplus", "abs", "absolute"),
    *("square", "exp", "exp2", "sqrt", "norm", "vector_norm", "var", "std", "one_hot", "cosh"),
}
"""Names of functions, methods and modules whose result is never below 0, for any arguments."""

POSITIVE = {"sigmoid", "softmax", "softmin", "softmax2d", "softplus", "exp", "exp2", "cosh"}
"""Those of `MAKES` whose result is above 0."""

KEEPS = {
    *(
        "identity",
        "dropout",
        "dropout1d",
        "dropout2d",
        "dropout3d",
        "feature_dropout",
        "stochasticdepth",
        "dropblock2d",
    ),
    *("stochastic_depth", "drop_block2d", "flatten", "unflatten", "view", "reshape", "permute", "transpose", "t"),
    *("contiguous", "squeeze", "unsqueeze", "expand", "expand_as", "view_as", "reshape_as", "repeat", "tile", "roll"),
    *("chunk", "split", "tensor_split", "unbind", "getitem", "narrow", "select", "index_select", "gather", "take"),
    *("clone", "detach", "to", "type", "type_as", "float", "double", "half", "bfloat16", "cpu", "cuda", "movedim"),
    *("swapaxes", "swapdims", "flip", "unfold", "fold", "pixelshuffle", "pixel_shuffle", "pixelunshuffle"),
    *("pixel_unshuffle", "channelshuffle", "channel_shuffle", "native_channel_shuffle", "upsamplingnearest2d"),
    *("upsamplingbilinear2d", "zeropad1d", "zeropad2d", "zeropad3d", "reflectionpad1d", "reflectionpad2d"),
    *("reflectionpad3d", "replicationpad1d", "replicationpad2d", "replicationpad3d", "circularpad1d", "circularpad2d"),
    *("circularpad3d", "mean", "sum", "amax", "amin", "max", "median", "cumsum", "prod", "topk", "sort"),
    *("max_pool1d", "max_pool2d", "max_pool3d", "maxpool1d", "maxpool2d", "maxpool3d", "avg_pool1d", "avg_pool2d"),
    *("avg_pool3d", "avgpool1d", "avgpool2d", "avgpool3d", "lp_pool1d", "lp_pool2d", "lppool1d", "lppool2d"),
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptiveavgpool1d", "adaptiveavgpool2d"),
    *("adaptiveavgpool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "adaptivemaxpool1d"),
    *("adaptivemaxpool2d", "adaptivemaxpool3d", "local_response_norm", "localresponsenorm", "normalize"),
    # Functions f with f(x) >= 0 for x >= 0.
    *("leaky_relu", "leakyrelu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardswish"),
    *("tanh", "softsign", "tanhshrink", "softshrink", "hardshrink", "sign", "sinh", "expm1", "log1p"),
}
"""Names of functions that return nothing below 0 if their first argument is never below 0."""

ALL = {"add", "iadd", "mul", "imul", "multiply", "div", "truediv", "itruediv", "true_divide", "minimum"}
ALL |= {"matmul", "bmm", "einsum"}
"""Names of functions that return nothing below 0 if none of their operands, tensors and numbers, is below 0."""

JOINS = {"cat", "concat", "concatenate", "stack", "hstack", "vstack"}
"""Names of functions that return nothing below 0 if no tensor of the list, their first argument, is below 0."""


def nonnegative_values(graph: fx.Graph, modules: Mapping[str, nn.Module], prefix: str = "") -> dict[fx.Node, str]:
    """Return the calls of modules whose input, the first argument, is never below 0, and what makes it so.

    An in-place operation also changes what later calls read from its argument.

    Args:
        graph: traced by torch.fx.
        modules: by the names that `call_module` nodes have.
        prefix: prefix of these names in the whole model.
    """
    known: dict[fx.Node, Why] = {}
    found: dict[fx.Node, str] = {}
    for node in graph.nodes:
        operands = [*node.args, *node.kwargs.values()]
        if node.op == "call_module":
            why = _why(operands[0], known) if operands else None
            if why is not None:
                found[node] = why
            module = modules[str(node.target)]
            kind, title = type(module).__name__.lower(), f"{type(module).__name__} '{prefix}{node.target}'"
            known[node] = _result(kind, title, operands, _options(module), known)
            in_place = getattr(module, "inplace", False)
        elif node.op in ("call_function", "call_method"):
            name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
            kind = name.rstrip("_").lower()
            known[node] = _result(kind, f"{kind}()", operands, _arguments(node), known)
            in_place = name.endswith("_") or node.kwargs.get("inplace") is True or kind in ("iadd", "imul", "itruediv")
        else:
            continue
        if in_place and operands and isinstance(operands[0], fx.Node):
            known[operands[0]] = known[node]
    return found


def _result(kind: str, title: str, operands: list[Any], options: Mapping[str, Any], known: Known) -> Why:
    """Return why the result of the operation `kind` is never below 0."""
    first = _why(operands[0], known) if operands else None
    if kind in MAKES:
        return title
    if kind in KEEPS:
        return first
    if kind in ("mul", "multiply") and len(operands) == 2 and operands[0] is operands[1]:
        return title
    if kind in ALL:
        return _all(operands, known)
    if kind in JOINS:
        return _all(operands[0], known) if isinstance(operands[0], list | tuple) else first
    special = SPECIAL.get(kind)
    return special(title, first, operands, options, known) if special else None


def _all(values: Sequence[Any], known: Known) -> Why:
    """Return why none of the tensors and numbers among `values` is ever below 0."""
    counted = [value for value in values if isinstance(value, fx.Node | int | float)]
    whys = [why for why in (_why(value, known) for value in counted) if why is not None]
    tensors = [known.get(value) for value in counted if isinstance(value, fx.Node)]
    tensors.sort(key=above_zero)  # a gate of a sigmoid leaves the zeros of a ReLU
    return next(filter(None, tensors), None) if len(whys) == len(counted) else None


def above_zero(why: Why) -> bool:
    """Return whether what makes a value never negative also keeps it from being 0."""
    return why is not None and why.partition(" ")[0].rstrip("()").lower() in POSITIVE


def _why(value: Any, known: Known) -> Why:
    """Return why a value of the graph, or a number, is never below 0."""
    if isinstance(value, fx.Node):
        return known.get(value)
    return str(value) if isinstance(value, int | float) and value >= 0 else None


def _options(module: nn.Module) -> dict[str, Any]:
    names = ("min_val", "max_val", "threshold", "value", "mode", "lambd")
    return {name: getattr(module, name) for name in names if hasattr(module, name)}


def _arguments(node: fx.Node) -> dict[str, Any]:
    """Return the arguments of a function call by name, if the rules below need their names."""
    names = POSITIONS.get(str(getattr(node.target, "__name__", node.target)).rstrip("_").lower(), ())
    return {**dict(zip(names, node.args, strict=False)), **node.kwargs}


POSITIONS = {
    "clamp": ("input", "min", "max"),
    "clip": ("input", "min", "max"),
    "clamp_min": ("input", "min"),
    "clamp_max": ("input", "max"),
    "hardtanh": ("input", "min_val", "max_val"),
    "threshold": ("input", "threshold", "value"),
    "pad": ("input", "pad", "mode", "value"),
    "interpolate": ("input", "size", "scale_factor", "mode"),
    "pow": ("input", "exponent"),
}

Special = Callable[[str, Why, list[Any], Mapping[str, Any], Mapping[fx.Node, Why]], Why]


def _clamp(title: str, first: Why, _operands: list[Any], options: Mapping[str, Any], _known: Any) -> Why:
    low = options.get("min", options.get("min_val"))
    high = options.get("max", options.get("max_val"))
    if high is not None and not (isinstance(high, int | float) and high >= 0):
        return None
    return title if isinstance(low, int | float) and low >= 0 else first


def _hardtanh(title: str, first: Why, operands: list[Any], options: Mapping[str, Any], known: Any) -> Why:
    return _clamp(title, first, operands, {"min_val": -1.0, "max_val": 1.0, **options}, known)


def _threshold(title: str, first: Why, _operands: list[Any], options: Mapping[str, Any], _known: Any) -> Why:
    bound, value = options.get("threshold"), options.get("value")
    if not (isinstance(value, int | float) and value >= 0):
        return None
    return title if isinstance(bound, int | float) and bound >= 0 else first


def _pad(_title: str, first: Why, _operands: list[Any], options: Mapping[str, Any], _known: Any) -> Why:
    value = options.get("value")
    return first if value is None or (isinstance(value, int | float) and value >= 0) else None


def _resize(_title: str, first: Why, _operands: list[Any], options: Mapping[str, Any], _known: Any) -> Why:
    return None if options.get("mode") == "bicubic" else first  # bicubic weights are partly negative


def _power(title: str, first: Why, _operands: list[Any], options: Mapping[str, Any], _known: Any) -> Why:
    exponent = options.get("exponent")
    even = isinstance(exponent, int | float) and math.isfinite(exponent) and exponent % 2 == 0
    return title if even else first


def _maximum(_title: str, _first: Why, operands: list[Any], _options: Any, known: Known) -> Why:
    return next((why for why in (_why(value, known) for value in operands[:2]) if why), None)


def _minimum(_title: str, first: Why, operands: list[Any], _options: Any, known: Known) -> Why:
    return _all(operands[:2], known) if len(operands) > 1 and isinstance(operands[1], fx.Node) else first


def _where(_title: str, _first: Why, operands: list[Any], _options: Any, known: Known) -> Why:
    whys = [_why(value, known) for value in operands[1:3]]
    return whys[0] if len(whys) == 2 and all(whys) else None


SPECIAL: dict[str, Special] = {
    **dict.fromkeys(("clamp", "clip", "clamp_min", "clamp_max"), _clamp),
    "hardtanh": _hardtanh,
    "threshold": _threshold,
    **dict.fromkeys(("pad", "constantpad1d", "constantpad2d", "constantpad3d"), _pad),
    **dict.fromkeys(("interpolate", "upsample"), _resize),
    "pow": _power,
    "maximum": _maximum,
    "min": _minimum,
    "where": _where,
}
