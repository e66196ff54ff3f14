"""Every node on every instruction set against plain NumPy: bits and integers exactly, long float sums within bounds."""

import numpy as np
import pytest
from random_graphs import random_graph
from single_ops import CASES, case, images_for

from xnorkit import _engine
from xnorkit.format import INPUT, Node, infer_shapes
from xnorkit.proof.bounds import bound
from xnorkit.proof.interpret import apply, dots, read_images
from xnorkit.proof.machines import EngineMachine
from xnorkit.runtime import Model
from xnorkit.runtime.bits import check_words

INEXACT = ("float_", "binary_weight_", "activation")
"""What the interpreter takes in float64 and rounds once."""


def inputs(model: Model, dtype: type, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 5)), *model.input_shape)
    return rng.integers(0, 256, shape, dtype=np.uint8) if dtype is np.uint8 else rng.standard_normal(shape, np.float32)


def assert_agrees(node: Node, read: list[np.ndarray], got: np.ndarray) -> None:
    """What a node gives, (N, H, W, C) as signs or numbers, is what the interpreter makes of the values it reads."""
    wanted = apply(node, *read)
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    if node.op.startswith(INEXACT):
        assert (np.abs(got.astype(np.float64) - wanted) <= bound(node, read, wanted)).all()
    else:
        bits = np.dtype(f"u{got.itemsize}")
        np.testing.assert_array_equal(got.view(bits), wanted.view(bits))


def assert_every_node_agrees(model: Model, images: np.ndarray) -> None:
    """Each node is fed with the engine's own values, in the network and alone."""
    graph, machine, specs = model.graph, EngineMachine(model), infer_shapes(model.graph)
    words = model.trace(images)
    assert list(words) == [node.name for node in graph.nodes]
    values = {INPUT: read_images(graph, images), **machine.trace(images)}
    for node in graph.nodes:
        spec, read = specs[node.name], [values[name] for name in node.inputs]
        if spec.kind == "bits":
            check_words(words[node.name], spec.channels)
        assert values[node.name].shape == (len(images), spec.height, spec.width, spec.channels)
        assert_agrees(node, read, values[node.name])
        if len(read) == 1 and specs[node.source].kind == "bits":
            sums, output = machine.alone(node, read)
            np.testing.assert_array_equal(output, values[node.name])
            assert (sums is None) == (not node.op.startswith(("binary_conv", "binary_linear")))
            if sums is not None:
                np.testing.assert_array_equal(sums, dots(node, read[0]))
    output = values[graph.output].transpose(0, 3, 1, 2)
    output = output.reshape(output.shape[:2]) if output.shape[2:] == (1, 1) else output
    np.testing.assert_array_equal(model(images), output)


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("seed", range(60))
def test_random_chains(seed: int, isa: str) -> None:
    model = Model(random_graph(seed), isa=isa, threads=1 + seed % 3)
    assert_every_node_agrees(model, inputs(model, (np.float32, np.uint8)[seed % 2], seed))


@pytest.mark.parametrize("name", CASES)
def test_every_operation(name: str) -> None:
    """On one instruction set: test_single_ops.py has the others give the same bits."""
    graph = case(name)
    assert_every_node_agrees(Model(graph, threads=2), images_for(graph))


def test_the_grid_reaches_every_operation() -> None:
    graphs = [random_graph(seed) for seed in range(60)]
    nodes = [node for graph in graphs for node in graph.nodes]
    kinds = {(node.op, node.attributes.get("epilogue")) for node in nodes}
    assert len(kinds) == 9
    with_bits = [node for node in nodes if (node.op, node.attributes.get("epilogue")) == ("binary_conv2d", "bits")]
    assert {node.tensors["threshold"].ndim for node in with_bits} == {1, 3}
    assert any(node.attributes.get("dilation", [1, 1]) != [1, 1] for node in nodes)


@pytest.mark.parametrize("seed", range(0, 60, 7))
def test_same_bits_on_every_isa_and_thread_count(seed: int) -> None:
    graph = random_graph(seed)
    reference = Model(graph, isa="reference", threads=1)
    images = inputs(reference, np.float32, seed)
    wanted = reference.trace(images)
    for isa in _engine.isas():
        for threads in (1, 2, 3):
            trace = Model(graph, isa=isa, threads=threads).trace(images)
            for name, value in wanted.items():
                np.testing.assert_array_equal(trace[name].view(np.uint32), value.view(np.uint32))
