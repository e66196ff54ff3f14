"""Removes nodes that change nothing."""

import numpy as np

from xnorkit.compile.draft import Draft
from xnorkit.format import Node

__all__ = ["drop_identities"]


def drop_identities(draft: Draft) -> list[str]:
    """Remove scales of 1 with biases of 0, clips without bounds and choices of all channels in order."""
    notes = []
    for node in list(draft.nodes):
        if _is_identity(node) and not (node.name == draft.output and len(draft.nodes) == 1):
            current = next(n for n in draft.nodes if n.name == node.name)
            draft.redirect(node.name, current.inputs[0])
            notes.append(f"'{node.name}' ({node.op})")
    return notes


def _is_identity(node: Node) -> bool:
    if node.op == "affine":
        scale, bias = node.tensors.get("scale"), node.tensors.get("bias")
        return (scale is None or bool((scale == 1).all())) and not np.any(0 if bias is None else bias)
    return node.op == "clip" and node.attributes["min"] is None and node.attributes["max"] is None
