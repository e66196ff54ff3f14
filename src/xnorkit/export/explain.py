"""Describes what the exporter did, pass by pass, and why each layer with float weights or float input is float."""

from xnorkit.compile.lower import Export
from xnorkit.format import INPUT, Node, operation_of

__all__ = ["explain"]

TITLES = {
    "thresholds": "signs became thresholds",
    "pools on bits": "max-pools moved onto bits",
    "shared": "computed once for several readers",
    "folded": "scales and biases folded",
    "identities": "nodes without effect dropped",
    "unread": "nodes without readers dropped",
    "float16": "stored as float16",
}


def explain(export: Export) -> str:
    """Return what each pass did, and why each remaining layer is not on bits and what would make it binary."""
    lines = []
    for key, title in TITLES.items():
        notes = export.notes.get(key, [])
        if notes:
            lines += [f"{title}:", *(f"  {note}" for note in notes)]
    rest = [(node, _reason(node, export)) for node in export.graph.nodes if _is_layer(node)]
    if rest:
        lines += ["not on bits:", *(f"  '{node.name}' ({node.op}): {reason}" for node, reason in rest)]
    return "\n".join(lines)


def _is_layer(node: Node) -> bool:
    return operation_of(node).layer is not None and not operation_of(node).binary


def _reason(node: Node, export: Export) -> str:
    if operation_of(node).layer == "int8":
        return "8-bit weights and inputs, as trained by quantize_first_last_; nothing to do"
    if operation_of(node).layer == "binary_weight":
        return (
            "its weights are bits, its input is float: give its BConfig an activation binarizer, such as "
            "BasicInputBinarizer, and train again"
        )
    if node.source == INPUT:
        return "first layer, reads the image: quantize_first_last_(model, ...) makes it 8-bit"
    if _ends(node, export):
        return "last layer, its numbers are the answer: quantize_first_last_(model, ...) makes it 8-bit"
    return "a float layer of the trained model: name it in prepare_binary_model, or use BinaryConv2d / BinaryLinear"


def _ends(node: Node, export: Export) -> bool:
    """True if no other layer follows."""
    below = {node.name}
    for other in export.graph.nodes:
        if below & set(other.inputs):
            if "weight" in other.tensors:
                return False
            below.add(other.name)
    return True
