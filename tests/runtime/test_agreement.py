"""Reader and engine agree: what the format lets pass, however extreme, the engine takes."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from mutations import fitted
from single_ops import CASES, case

from xnorkit.errors import FormatError
from xnorkit.format import INPUT, Graph, infer_shapes
from xnorkit.runtime.build import INPUT_KINDS, _add, _program

EXTREME = [1, 2, 2**12, 2**23, 2**24 - 1, 2**24, 2**24 + 1, 2**26, 2**31 - 1, 2**31]


def altered(graph: Graph) -> list[Graph]:
    """Return the graph with one number of one attribute, or one axis of the input, extreme."""
    graphs = []
    for axis in range(3):
        for value in EXTREME:
            shape = [*graph.input.shape]
            shape[axis] = value
            graphs.append(replace(graph, input=replace(graph.input, shape=tuple(shape), normalization=None)))
    for index, node in enumerate(graph.nodes):
        for key, old in node.attributes.items():
            for value in _variants(old):
                attributes = json.loads(json.dumps({**node.attributes, key: value}))
                nodes = [*graph.nodes]
                nodes[index] = replace(node, attributes=attributes)
                graphs.append(replace(graph, nodes=tuple(nodes)))
    return graphs


def _variants(old: Any) -> list[Any]:
    if isinstance(old, list):
        single = [[*old[:i], value, *old[i + 1 :]] for i in range(len(old)) for value in EXTREME]
        return [*single, *([value] * len(old) for value in EXTREME)]
    if isinstance(old, int | float) and not isinstance(old, bool):
        return [*EXTREME, -1, 0.25, 1e38, 2.0**-126, -3e38]
    return [None, 0.25, 5] if old is None else []


@pytest.mark.parametrize("name", CASES)
def test_what_passes_is_taken(name: str) -> None:
    passed = 0
    for changed in altered(case(name)):
        nodes = [replace(node, attributes=json.loads(json.dumps(dict(node.attributes)))) for node in changed.nodes]
        graph = replace(changed, nodes=tuple(fitted(changed, nodes, random.Random(0))))
        try:
            values = infer_shapes(graph)
        except FormatError:
            continue
        passed += 1
        program = _program(INPUT_KINDS[graph.input.kind], values[INPUT], "")
        ids = {INPUT: 0}
        for node in graph.nodes:
            ids[node.name] = _add(program, node, [ids[n] for n in node.inputs])
    assert passed >= 6
