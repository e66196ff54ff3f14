"""Random networks on every instruction set against plain NumPy: bits and integers exactly, float sums within bounds."""

import numpy as np
import pytest
from random_graphs import random_graph
from reference import apply, pixels, signs_of_words

from xnorkit import _engine
from xnorkit.format import INPUT, infer_shapes
from xnorkit.runtime import Model, pack_bits


def inputs(model: Model, dtype: type, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 5)), *model.input_shape)
    return rng.integers(0, 256, shape, dtype=np.uint8) if dtype is np.uint8 else rng.standard_normal(shape, np.float32)


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("seed", range(60))
def test_every_node(seed: int, isa: str) -> None:
    graph = random_graph(seed)
    specs = infer_shapes(graph)
    model = Model(graph, isa=isa, threads=1 + seed % 3)
    images = inputs(model, (np.float32, np.uint8)[seed % 2], seed)
    trace = model.trace(images)
    assert list(trace) == [node.name for node in graph.nodes]
    values = {INPUT: pixels(graph, images)}
    for node in graph.nodes:
        spec = specs[node.name]
        got = trace[node.name]
        expected = apply(node, values[node.source])
        if spec.kind == "bits":
            assert got.dtype == np.uint32
            values[node.name] = signs_of_words(got, spec)
            np.testing.assert_array_equal(values[node.name], expected.value)
        else:
            assert got.dtype == np.float32
            assert got.shape == (len(images), spec.height, spec.width, spec.channels)
            values[node.name] = got
            if expected.error is None:
                np.testing.assert_array_equal(got.view(np.uint32), expected.value.view(np.uint32))
            else:
                assert (np.abs(got - expected.value) <= expected.error).all()
        if specs[node.source].kind == "bits":
            layer = model.run_layer(node.name, pack_bits(values[node.source]))
            np.testing.assert_array_equal(layer.output, got)
            if expected.dots is None:
                assert layer.dots.shape == (*got.shape[:3], 0)
            else:
                np.testing.assert_array_equal(layer.dots, expected.dots)
    output = trace[graph.output].transpose(0, 3, 1, 2)
    output = output.reshape(output.shape[:2]) if output.shape[2:] == (1, 1) else output
    np.testing.assert_array_equal(model(images), output)


def test_the_grid_reaches_every_operation() -> None:
    graphs = [random_graph(seed) for seed in range(60)]
    nodes = [node for graph in graphs for node in graph.nodes]
    kinds = {(node.op, node.attributes.get("epilogue")) for node in nodes}
    assert len(kinds) == 8
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
