"""Every operation of the format on every instruction set: as the reference kernels say, bit for bit."""

import numpy as np
import pytest
from single_ops import CASES, case, images_for

from xnorkit import _engine
from xnorkit.errors import InputError
from xnorkit.format import infer_shapes
from xnorkit.runtime import Model


@pytest.mark.parametrize("name", CASES)
def test_every_isa_gives_the_bits_of_the_reference(name: str) -> None:
    graph = case(name)
    images = images_for(graph)
    wanted = Model(graph, isa="reference").trace(images)
    for isa in _engine.isas():
        for threads in (1, 2):
            got = Model(graph, isa=isa, threads=threads).trace(images)
            assert list(got) == list(wanted)
            for node, value in wanted.items():
                assert value.dtype == got[node].dtype
                np.testing.assert_array_equal(value.view(np.uint8), got[node].view(np.uint8))


@pytest.mark.parametrize("name", CASES)
def test_shapes_are_those_that_the_format_infers(name: str) -> None:
    graph = case(name)
    specs = infer_shapes(graph)
    for node, value in Model(graph).trace(images_for(graph)).items():
        spec = specs[node]
        channels = spec.words if spec.kind == "bits" else spec.channels
        assert value.shape == (3, spec.height, spec.width, channels)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("int8")])
def test_pixels_may_come_normalised(name: str) -> None:
    """Float32 images become the pixels that they were made of."""
    graph = case(name)
    assert graph.input.normalization is not None
    pixels = np.random.default_rng(5).integers(0, 256, (4, *graph.input.shape), dtype=np.uint8)
    table = graph.input.normalization.table()
    floats = np.stack([table[c][pixels[:, c]] for c in range(3)], axis=1)
    model = Model(graph)
    np.testing.assert_array_equal(model(pixels), model(floats))


@pytest.mark.parametrize("name", CASES)
def test_one_layer_alone_gives_what_it_gives_in_the_network(name: str) -> None:
    graph = case(name)
    model = Model(graph)
    images = images_for(graph)
    values = {"input": np.ascontiguousarray(images.transpose(0, 2, 3, 1)), **model.trace(images)}
    for node in graph.nodes:
        if len(node.inputs) == 1 and infer_shapes(graph)[node.source].kind != "u8":
            np.testing.assert_array_equal(model.run_layer(node.name, values[node.source]).output, values[node.name])


def test_images_of_other_sizes() -> None:
    graph = case("dynamic")
    model = Model(graph)
    rng = np.random.default_rng(0)
    for height, width in ((6, 5), (9, 4), (1, 1), (20, 31), (6, 5)):
        images = rng.standard_normal((2, 3, height, width), dtype=np.float32)
        assert model(images).shape == (2, 36)
        np.testing.assert_array_equal(model(images), Model(graph, isa="reference")(images))
    for size in range(2, 20):  # more sizes than are kept
        model(np.zeros((1, 3, size, size), np.float32))
    fixed = case("add")
    with pytest.raises(InputError, match=r"images have shape \(1, 3, 9, 4\), but they must be \(N, 3, 6, 5\)"):
        Model(fixed)(np.zeros((1, 3, 9, 4), np.float32))
    with pytest.raises(InputError, match=r"images have shape \(1, 2, 9, 4\), but they must be \(N, 3, H, W\)"):
        model(np.zeros((1, 2, 9, 4), np.float32))
