"""Removes nodes whose value nothing reads."""

from xnorkit.compile.draft import Draft

__all__ = ["drop_unread"]


def drop_unread(draft: Draft) -> list[str]:
    """Remove the nodes on which the output does not depend."""
    needed = {draft.output}
    for node in reversed(draft.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    notes = [f"'{node.name}' ({node.op})" for node in draft.nodes if node.name not in needed]
    draft.nodes = [node for node in draft.nodes if node.name in needed]
    for name in set(draft.origins) - needed:
        del draft.origins[name]
    return notes
