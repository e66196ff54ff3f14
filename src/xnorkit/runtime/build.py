"""Graph -> engine program, whole or one node of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from xnorkit import _engine
from xnorkit.errors import EngineError
from xnorkit.format import INPUT, Graph, Node, ValueSpec, operation_of, shown

__all__ = ["build", "build_layer"]

REFUSALS = (ValueError, MemoryError)
INPUT_KINDS = {"f32": "image", "u8": "pixels"}
LAYER_KINDS = {"f32": "f32", "u8": "pixels", "bits": "bits"}
SUMMED = {"binary": ("weight",), "int8": ("weight", "zero_point", "bias")}
"""The tensors of a layer's integer sums."""


def build(
    graph: Graph, values: Mapping[str, ValueSpec], outputs: Sequence[str], isa: str, *, planes: bool = False
) -> _engine.Program:
    """Return the program of a valid graph that returns the values of the nodes `outputs`.

    planes: floats of more than one pixel are returned as (N, C, H, W).

    Raises:
        EngineError: the engine refuses a node; names it.
    """
    image = values[INPUT]
    program = _program(INPUT_KINDS[image.kind], image, isa)
    normalization = graph.input.normalization
    if normalization is not None and image.kind == "f32":
        program.set_uint8_table(normalization.table())
    elif normalization is not None:
        program.set_normalization(np.array(normalization.mean, np.float32), np.array(normalization.std, np.float32))
    ids = {INPUT: 0}
    for node in graph.nodes:
        ids[node.name] = _add(program, node, [ids[name] for name in node.inputs])
    results = [
        program.add("planes", [ids[name]]) if planes and _has_planes(values[name]) else ids[name] for name in outputs
    ]
    _finish(program, results)
    return program


def _has_planes(value: ValueSpec) -> bool:
    return value.kind == "f32" and value.height * value.width > 1


def build_layer(node: Node, source: ValueSpec, isa: str) -> _engine.Program:
    """Return the program of one node that reads one value. It returns the node's integer sums, if any, then its output.

    Raises:
        EngineError: the engine refuses the node.
    """
    program = _program(LAYER_KINDS[source.kind], source, isa)
    outputs = [_add(program, node, [0])]
    operation = operation_of(node)
    if operation.layer in SUMMED:
        tensors = {role: node.tensors[role] for role in SUMMED[operation.layer]}
        sums = replace(node, attributes={**node.attributes, "epilogue": "integers"}, tensors=tensors)
        outputs.insert(0, _add(program, sums, [0]))
    _finish(program, outputs)
    return program


def _program(kind: str, value: ValueSpec, isa: str) -> _engine.Program:
    try:
        return _engine.Program(kind, value.height, value.width, value.channels, isa)
    except REFUSALS as error:
        raise EngineError(f"the engine refuses the input: {error}") from error


def _add(program: _engine.Program, node: Node, ids: Sequence[int]) -> int:
    tensors = {role: np.ascontiguousarray(array) for role, array in node.tensors.items()}
    try:
        return program.add(node.op, ids, dict(node.attributes), tensors)
    except REFUSALS as error:
        raise EngineError(f"node {shown(node.name)} ({node.op}): the engine refuses it: {error}") from error


def _finish(program: _engine.Program, outputs: list[int]) -> None:
    try:
        program.finish(outputs)
    except REFUSALS as error:
        raise EngineError(f"the engine refuses the program: {error}") from error
