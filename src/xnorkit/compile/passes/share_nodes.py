"""Computes once what several branches would compute equally: above all, packed bits that two layers read."""

import json
from typing import Any

from xnorkit.compile.draft import Draft
from xnorkit.format import Node

__all__ = ["share_nodes"]


def share_nodes(draft: Draft) -> list[str]:
    """Merge nodes with equal operation, inputs, attributes and numbers; return what was merged."""
    notes = []
    seen: dict[Any, str] = {}
    for name in [node.name for node in draft.nodes]:
        node = next(n for n in draft.nodes if n.name == name)
        key = _key(node)
        if key in seen:
            draft.redirect(name, seen[key])
            notes.append(f"'{name}' is '{seen[key]}' ({node.op})")
        else:
            seen[key] = name
    return notes


def _key(node: Node) -> tuple[Any, ...]:
    tensors = tuple((role, a.dtype.str, a.shape, a.tobytes()) for role, a in sorted(node.tensors.items()))
    return node.op, node.inputs, json.dumps(dict(node.attributes), sort_keys=True), tensors
