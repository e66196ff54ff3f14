"""Graph -> engine program: one small function per op and epilogue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xnorkit import _engine
from xnorkit.errors import EngineError
from xnorkit.format import INPUT, Graph, Node, ValueSpec

__all__ = ["build", "build_layer"]

REFUSALS = (ValueError, MemoryError)
Builder = Callable[[_engine.Program, int, Node, ValueSpec], int]


def build(graph: Graph, values: Mapping[str, ValueSpec], outputs: Sequence[str], isa: str) -> _engine.Program:
    """Return the program of a valid graph that gives the values of the nodes `outputs`.

    Raises:
        EngineError: the engine refuses a node; names it.
    """
    image = values[INPUT]
    program = _program("image", image, isa)
    if graph.input.normalization is not None:
        program.set_uint8_table(graph.input.normalization.table())
    ids = {INPUT: 0}
    relus = {node.source for node in graph.nodes if node.op == "clip"}
    for node in graph.nodes:
        # Until the engine has an operation of its own, a ReLU is part of the layer in front of it.
        ids[node.name] = (
            ids[node.source]
            if node.op == "clip"
            else _add(program, ids[node.source], node, values[node.source], node.name in relus)
        )
    _finish(program, [ids[name] for name in outputs])
    return program


def build_layer(node: Node, source: ValueSpec, isa: str) -> _engine.Program:
    """Return the program of one node that reads bits: its dots, if it has any, then its output.

    Raises:
        EngineError: the engine refuses the node.
    """
    program = _program("bits", source, isa)
    outputs = [_add(program, 0, node, source, False)]
    if node.op in _DOTS:
        outputs.insert(0, _guarded(node, lambda: _DOTS[node.op](program, 0, node, source)))
    _finish(program, outputs)
    return program


def _program(kind: str, value: ValueSpec, isa: str) -> _engine.Program:
    try:
        return _engine.Program(kind, value.height, value.width, value.channels, isa)
    except REFUSALS as error:
        raise EngineError(f"the engine refuses the input: {error}") from error


def _add(program: _engine.Program, source_id: int, node: Node, source: ValueSpec, relu: bool) -> int:
    if relu:
        node = replace(node, attributes={**node.attributes, "relu": True})
    build_node = _BUILDERS[node.op, node.attributes.get("epilogue")]
    return _guarded(node, lambda: build_node(program, source_id, node, source))


def _guarded(node: Node, call: Callable[[], int]) -> int:
    try:
        return call()
    except REFUSALS as error:
        raise EngineError(f"node '{node.name}' ({node.op}): the engine refuses it: {error}") from error


def _finish(program: _engine.Program, outputs: list[int]) -> None:
    try:
        program.finish(outputs)
    except REFUSALS as error:
        raise EngineError(f"the engine refuses the program: {error}") from error


def _geometry(node: Node, source: ValueSpec) -> _engine.ConvGeometry:
    """Return the window of a node; a linear layer's kernel is its whole source."""
    attributes = node.attributes
    if "kernel" not in attributes:
        return _engine.ConvGeometry((source.height, source.width))
    height, width = attributes["kernel"]
    stride = attributes["stride"]
    top, left, bottom, right = attributes["padding"]
    dilation = attributes.get("dilation", (1, 1))
    return _engine.ConvGeometry(
        (height, width),
        (stride[0], stride[1]),
        (top, left, bottom, right),
        (dilation[0], dilation[1]),
        attributes.get("groups", 1),
    )


def _out_channels(node: Node) -> int:
    return node.tensors["weight"].shape[0]


def _float(program: _engine.Program, source_id: int, node: Node, source: ValueSpec) -> int:
    weight, bias = _arrays(node, "weight", "bias")
    return program.float_conv2d(source_id, weight, bias, _geometry(node, source), node.attributes.get("relu", False))


def _pack(program: _engine.Program, source_id: int, node: Node, _: ValueSpec) -> int:
    return program.pack(source_id, *_arrays(node, "threshold", "flip"))


def _max_pool_bits(program: _engine.Program, source_id: int, node: Node, source: ValueSpec) -> int:
    return program.max_pool_bits(source_id, _geometry(node, source), *_arrays(node, "falling"))


def _binary_bits(program: _engine.Program, source_id: int, node: Node, source: ValueSpec) -> int:
    weight, threshold, flip = _arrays(node, "weight", "threshold", "flip")
    geometry = _geometry(node, source)
    return program.binary_conv2d_bits(source_id, weight, _out_channels(node), geometry, threshold, flip)


def _binary_float(program: _engine.Program, source_id: int, node: Node, source: ValueSpec) -> int:
    weight, scale, bias = _arrays(node, "weight", "scale", "bias")
    geometry = _geometry(node, source)
    relu = node.attributes.get("relu", False)
    return program.binary_conv2d_f32(source_id, weight, _out_channels(node), geometry, scale, bias, relu)


def _binary_dots(program: _engine.Program, source_id: int, node: Node, source: ValueSpec) -> int:
    (weight,) = _arrays(node, "weight")
    return program.binary_conv2d_i32(source_id, weight, _out_channels(node), _geometry(node, source))


def _arrays(node: Node, *roles: str) -> list[Any]:
    return [np.ascontiguousarray(node.tensors[role]) for role in roles]


_BUILDERS: Mapping[tuple[str, str | None], Builder] = {
    ("float_conv2d", None): _float,
    ("float_linear", None): _float,
    ("pack", None): _pack,
    ("max_pool_bits", None): _max_pool_bits,
    ("binary_conv2d", "bits"): _binary_bits,
    ("binary_conv2d", "float"): _binary_float,
    ("binary_linear", "bits"): _binary_bits,
    ("binary_linear", "float"): _binary_float,
}
_DOTS: Mapping[str, Builder] = {"binary_conv2d": _binary_dots, "binary_linear": _binary_dots}
