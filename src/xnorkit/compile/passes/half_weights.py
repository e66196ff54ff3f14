"""Stores the weights that stay float as float16, if nothing is lost."""

import numpy as np

from xnorkit.compile.draft import Draft
from xnorkit.format import Node, operation_of

__all__ = ["half_weights"]


def half_weights(draft: Draft) -> list[str]:
    """Store weights and biases of float layers as float16, if float16 holds every number of the array."""
    notes = []
    for node in [n for n in draft.nodes if operation_of(n).layer == "float"]:
        tensors = dict(node.tensors)
        for role in ("weight", "bias"):
            with np.errstate(over="ignore"):
                half = tensors[role].astype(np.float16)
            if np.array_equal(half.astype(np.float32), tensors[role]):
                tensors[role] = half
                notes.append(f"'{node.name}' {role}: {half.nbytes:,} bytes")
        draft.replace(Node(node.name, node.op, node.inputs, node.attributes, tensors))
    return notes
