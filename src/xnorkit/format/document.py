"""Graph <-> the JSON text in a file's metadata; tensors are stored separately."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from xnorkit import __version__
from xnorkit.errors import FormatError
from xnorkit.format.graph import Graph, InputSpec, Node, Normalization, Preparation
from xnorkit.format.limits import Limits
from xnorkit.format.preparation import MEAN_IMAGE, decoded, encoded
from xnorkit.format.rules import check_keys, is_printable, shown
from xnorkit.format.strict_json import dump, parse

__all__ = ["VERSION", "decode", "encode", "tensor_names"]

VERSION = 1
_WHAT = "the graph in metadata 'xnorkit'"
_KEYS = ("version", "producer", "name", "input", "nodes", "output", "metadata")
_INPUT_KEYS = ("shape", "kind", "dynamic", "normalization", "preparation")
_NODE_KEYS = ("name", "op", "inputs", "attributes", "tensors")


def tensor_names(graph: Graph) -> dict[str, NDArray[Any]]:
    """Return all tensors by name, in the order of the file: the mean image, if any, then "<node>.<role>"."""
    mean = graph.input.preparation.mean_image
    nodes = {f"{node.name}.{role}": array for node in graph.nodes for role, array in node.tensors.items()}
    return nodes if mean is None else {MEAN_IMAGE: mean, **nodes}


def encode(graph: Graph) -> str:
    """Return the JSON text of a valid graph; a default preparation is left out, as in older files, which had none."""
    normalization, preparation = graph.input.normalization, graph.input.preparation
    document = {
        "version": VERSION,
        "producer": f"xnorkit {__version__}",
        "name": graph.name,
        "input": {
            "shape": list(graph.input.shape),
            "kind": graph.input.kind,
            "dynamic": graph.input.dynamic,
            "normalization": normalization
            and {"mean": list(map(float, normalization.mean)), "std": list(map(float, normalization.std))},
            **({} if preparation == Preparation() else {"preparation": encoded(preparation)}),
        },
        "nodes": [
            {
                "name": node.name,
                "op": node.op,
                "inputs": list(node.inputs),
                "attributes": {k: list(v) if isinstance(v, tuple) else v for k, v in node.attributes.items()},
                "tensors": list(node.tensors),
            }
            for node in graph.nodes
        ],
        "output": graph.output,
        "metadata": dict(graph.metadata),
    }
    return dump(document, _WHAT)


def decode(text: str, arrays: Mapping[str, NDArray[Any]], limits: Limits | None = None) -> Graph:
    """Return the graph of a JSON text, with its tensors; its content is not yet validated.

    Raises:
        FormatError: not a JSON object with exactly the required keys and types, another version, a tensor that is
            missing or belongs to no node, or more nodes than `limits` allow.
    """
    document = _typed(parse(text, _WHAT), dict, _WHAT)
    _check_version(document)
    check_keys(_WHAT, document, _KEYS)
    for key in ("name", "producer", "output"):
        _typed(document[key], str, f"'{key}'")
    if not is_printable(document["producer"]):
        raise FormatError(f"'producer' is {shown(document['producer'])}, but it must be a non-empty printable string.")
    listed = _typed(document["nodes"], list, "'nodes'")
    if limits is not None:
        limits.check("nodes", len(listed), f"the graph has {len(listed):,} nodes")
    nodes = [_node(node, arrays) for node in listed]
    graph = Graph(
        name=document["name"],
        input=_input(document["input"], arrays),
        nodes=tuple(nodes),
        output=document["output"],
        metadata=_typed(document["metadata"], dict, "'metadata'"),
    )
    for name in arrays.keys() - tensor_names(graph).keys():
        raise FormatError(
            f"tensor {shown(name)} belongs to no node, but its name must be '<node>.<role>' of a node that lists it."
        )
    return graph


def _check_version(document: Mapping[str, Any]) -> None:
    version = document.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version != VERSION:
        producer = document.get("producer", "an unknown program")
        raise FormatError(
            f"the file has format version {shown(version)}, written by {shown(producer)}, but it must have version "
            f"{VERSION}, the only one that xnorkit {__version__} reads. Install the release that wrote it, or export "
            "it again."
        )


def _input(value: Any, arrays: Mapping[str, NDArray[Any]]) -> InputSpec:
    check_keys("'input'", _typed(value, dict, "'input'"), _INPUT_KEYS, optional=("preparation",))
    shape = tuple(_typed(value["shape"], list, "input 'shape'"))
    kind: Any = _typed(value["kind"], str, "input 'kind'")
    dynamic = _typed(value["dynamic"], bool, "input 'dynamic'")
    preparation = decoded(value["preparation"], arrays) if "preparation" in value else Preparation()
    normalization = value["normalization"]
    if normalization is None:
        return InputSpec(shape, None, kind, dynamic, preparation)
    check_keys("input 'normalization'", _typed(normalization, dict, "input 'normalization'"), ("mean", "std"))
    mean, std = (tuple(_typed(normalization[key], list, f"input normalization '{key}'")) for key in ("mean", "std"))
    return InputSpec(shape, Normalization(mean, std), kind, dynamic, preparation)


def _node(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Node:
    check_keys("a node", _typed(value, dict, "a node"), _NODE_KEYS)
    where = f"node {shown(value['name'])}"
    for key, kind in (("name", str), ("op", str), ("inputs", list), ("attributes", dict), ("tensors", list)):
        _typed(value[key], kind, f"{where}: '{key}'")
    inputs = tuple(_typed(name, str, f"{where}: a name in inputs") for name in value["inputs"])
    tensors = {}
    for role in value["tensors"]:
        name = f"{value['name']}.{_typed(role, str, f'{where}: a role in tensors')}"
        if role in tensors:
            raise FormatError(f"{where}: 'tensors' lists {shown(role)} twice, but roles must be unique.")
        if name not in arrays:
            raise FormatError(
                f"{where}: tensor {shown(name)} is not in the file, but every tensor that is listed must be."
            )
        tensors[role] = arrays[name]
    return Node(value["name"], value["op"], inputs, value["attributes"], tensors)


def _typed(value: Any, kind: type, where: str) -> Any:
    """Return `value` if it has the JSON type `kind`; FormatError otherwise."""
    if not isinstance(value, kind):
        names: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
        raise FormatError(f"{where} is {shown(value)}, but it must be {names[kind]}.")
    return value
