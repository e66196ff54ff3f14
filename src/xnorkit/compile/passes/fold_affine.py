"""Folds a scale and a bias per channel into the weights or the epilogue of the preceding layer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.compile.draft import Draft
from xnorkit.format import Node, operation_of

__all__ = ["fold_affine"]


def fold_affine(draft: Draft, *, into_float: bool = True) -> list[str]:
    """Merge each `affine` into the layer of which it is the only reader; return what was merged.

    With y = x * s + b and x = sum(w) + c of a float layer: w' = w * s, c' = c * s + b; with x = i * a + c of signs:
    a' = a * s, c' = c * s + b. Each is computed in float64 and rounded once, so the result differs from the two steps
    in the last places, as PyTorch's fused batch norm does. These are kept as they are, because the roundings would no
    longer be those of the trained model: an `affine` after another, such as `(x - mean) / std`, where a number may
    cancel a bias to exactly 0; biases that cancel each other (`_cancels`); the epilogue that turns sums of signs into
    those of activations 1 and 0 (`draft.exact`), whose integers cancel; and what leaves the range of float32.

    Args:
        draft: changed in place.
        into_float: also fold into float weights; False keeps them as trained.
    """
    notes = []
    for affine in [node for node in draft.nodes if node.op == "affine"]:
        current = next(node for node in draft.nodes if node.name == affine.name)
        producer = next((node for node in draft.nodes if node.name == current.inputs[0]), None)
        if (
            producer is None
            or producer.name in draft.exact
            or len(draft.readers()[producer.name]) > 1
            or draft.output == producer.name
        ):
            continue
        folded = _folded(producer, current, into_float)
        if folded is not None:
            draft.replace(folded)
            draft.redirect(current.name, producer.name, changed=True)
            notes.append(f"'{affine.name}' into '{producer.name}' ({producer.op})")
    return notes


def _folded(node: Node, affine: Node, into_float: bool) -> Node | None:
    tensors = dict(node.tensors)
    scale, bias = affine.tensors.get("scale"), affine.tensors.get("bias")
    operation, floats = operation_of(node), node.attributes.get("epilogue") == "float"
    per_position = any(array is not None and array.ndim > 1 for array in (scale, bias))
    if operation.layer is None or per_position or _cancels(tensors.get("bias"), scale, bias, _reach(node)):
        return None
    if operation.layer == "float" and into_float:
        if scale is not None:
            tensors["weight"] = _round(tensors["weight"].astype(np.float64) * scale[:, None, None, None])
        tensors["bias"] = _product(None, tensors["bias"], scale, bias)["bias"]
    elif operation.layer == "int8" and floats and bias is None:
        tensors |= _product(tensors["scale"], None, scale, None)
    elif operation.layer == "binary_weight" or (operation.binary and floats):
        tensors |= _product(tensors["scale"], tensors["bias"], scale, bias)
    else:
        return None
    folded = Node(node.name, node.op, node.inputs, node.attributes, tensors)
    return folded if _in_range(folded, node) else None


def _in_range(folded: Node, node: Node) -> bool:
    """Return whether no product is too large for float32, and none makes a whole filter too small for its digits."""
    role = "weight" if operation_of(node).layer == "float" else "scale"
    before, after = (np.abs(each.tensors[role]).reshape(len(each.tensors[role]), -1).max(1) for each in (node, folded))
    faint = (after < np.finfo(np.float32).tiny) & (before > 0) & (after != before)
    bias = folded.tensors["bias"] if operation_of(node).layer != "int8" else after
    return bool(np.isfinite(after).all() and np.isfinite(bias).all() and not faint.any())


def _cancels(c: Any, s: Any, b: Any, reach: Any) -> bool:
    """Return whether the biases of (x + c) * s + b, |x| <= reach, cancel: their rounding outweighs their sum."""
    if c is None or b is None:
        return False
    factor = np.asarray(1.0 if s is None else s, np.float64)
    moved = c * factor
    return bool((np.abs(moved) + np.abs(b) > 8 * (np.abs(moved + b) + reach * np.abs(factor))).any())


def _reach(node: Node) -> Any:
    """Return the largest sum of each filter of a layer, without its bias, for inputs of at most 1."""
    layer, weight = operation_of(node).layer, node.tensors.get("weight")
    if weight is None or layer == "int8":  # the integer bias of an 8-bit layer is never folded
        return 0.0
    if layer == "float":
        return np.abs(weight.astype(np.float64)).sum(axis=(1, 2, 3))
    return np.abs(node.tensors["scale"].astype(np.float64)) * weight.shape[1] * 8 if "scale" in node.tensors else 0.0


def _product(
    a: NDArray[np.float32] | None,
    c: NDArray[np.float32] | None,
    s: NDArray[np.float32] | None,
    b: NDArray[np.float32] | None,
) -> dict[str, NDArray[np.float32]]:
    """Return (x * a + c) * s + b as one scale and one bias; None means an absent one."""
    found = {}
    if a is not None or s is not None:
        found["scale"] = _round((1.0 if a is None else a.astype(np.float64)) * (1.0 if s is None else s))
    if c is not None or b is not None:
        moved = 0.0 if c is None else c.astype(np.float64) * (1.0 if s is None else s)
        found["bias"] = _round(moved + (0.0 if b is None else b.astype(np.float64)))
    return found


def _round(values: Any) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # `_in_range` sees an infinity
        return np.asarray(values).astype(np.float32)
