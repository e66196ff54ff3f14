"""What a loaded model tells about itself, and one clear error for every wrong use."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from random_graphs import random_graph

from xnorkit import _engine
from xnorkit.errors import EngineError, FormatError, InputError
from xnorkit.format import Graph, InputSpec, Node, Normalization, write
from xnorkit.runtime import Model, load


def tiny(output: str = "fc", epilogue: str = "float", **changes: object) -> Graph:
    """The example of docs/format.md; with epilogue "bits" both dots are compared with 1."""
    sign = Node("sign", "pack", ("input",), {}, {"threshold": np.float32([0, 0.5]), "flip": np.uint8([0, 1])})
    tensors = {"weight": np.uint8([[6], [8]])}
    attributes: dict[str, object] = {"out_features": 2, "epilogue": epilogue}
    if epilogue == "float":
        tensors |= {"scale": np.float32([0.5, 2]), "bias": np.float32([1, -1])}
    else:
        tensors |= {"threshold": np.int32([1, 1]), "flip": np.uint8([0, 0])}
    nodes = (sign, Node("fc", "binary_linear", ("sign",), attributes, tensors))
    parts = {"name": "tiny", "input": InputSpec((2, 1, 2)), "nodes": nodes, "output": output, "metadata": {}}
    return Graph(**{**parts, **changes})  # type: ignore[arg-type]


IMAGES = np.float32([[[[1, -1]], [[0.25, 2]]]])


def wrong(match: str, error: type[Exception] = InputError) -> "pytest.RaisesExc":
    return pytest.raises(error, match="^" + re.escape(match))


@pytest.mark.parametrize("isa", _engine.isas())
def test_the_example_of_the_specification(isa: str, tmp_path: Path) -> None:
    write(tmp_path / "tiny.xnor", tiny())
    model = load(tmp_path / "tiny.xnor", isa=isa, threads=1)
    assert model(IMAGES).tolist() == [[1.0, 3.0]]
    assert model.trace(IMAGES)["sign"].tolist() == [[[[0b00], [0b11]]]]
    assert model.run_layer("fc", np.uint32([[[[0b00], [0b11]]]])).dots.tolist() == [[[[0, 2]]]]


def test_properties(tmp_path: Path) -> None:
    write(tmp_path / "tiny.xnor", tiny(metadata={"classes": ["left", "right"]}))
    model = load(str(tmp_path / "tiny.xnor"), isa="portable", threads=2)
    assert (model.isa, model.threads, model.input_shape, model.classes) == ("portable", 2, (2, 1, 2), ("left", "right"))
    assert model.graph.name == "tiny"
    assert model.arena_bytes > 0
    assert model.weight_bytes > 0
    assert repr(model) == "<xnorkit Model 'tiny': input 2 x 1 x 2, 2 nodes, portable, threads 2>"
    assert Model(tiny()).classes == ()
    assert Model(tiny()).isa == _engine.default_isa()
    assert Model(tiny()).threads == _engine.default_threads()


def test_output_with_several_positions_has_channels_first() -> None:
    conv = {"kernel": [1, 1], "stride": [1, 1], "padding": [0] * 4, "dilation": [1, 1], "groups": 1}
    attributes = {**conv, "in_channels": 2, "out_channels": 2}
    tensors = {"weight": np.float32([[1, 0], [0, 2]]).reshape(2, 1, 1, 2), "bias": np.zeros(2, np.float32)}
    graph = Graph("map", InputSpec((2, 1, 2)), (Node("conv", "float_conv2d", ("input",), attributes, tensors),), "conv")
    assert Model(graph)(IMAGES).tolist() == [[[[1, -1]], [[0.5, 4]]]]


def test_uint8_uses_the_stored_normalization() -> None:
    """Every pixel value of two channels, through a layer that passes them on."""
    spec = InputSpec((2, 16, 16), Normalization((0.1307, 0.5), (0.3081, 0.7)))
    attributes = {"kernel": [1, 1], "stride": [1, 1], "padding": [0] * 4, "dilation": [1, 1], "groups": 1}
    attributes |= {"in_channels": 2, "out_channels": 2}
    tensors = {"weight": np.eye(2, dtype=np.float32).reshape(2, 1, 1, 2), "bias": np.zeros(2, np.float32)}
    model = Model(Graph("identity", spec, (Node("conv", "float_conv2d", ("input",), attributes, tensors),), "conv"))
    pixels = np.tile(np.arange(256, dtype=np.uint8).reshape(16, 16), (1, 2, 1, 1))
    for c, (mean, std) in enumerate(((0.1307, 0.3081), (0.5, 0.7))):
        wanted = (pixels[:, c].astype(np.float32) / np.float32(255) - np.float32(mean)) / np.float32(std)
        np.testing.assert_array_equal(model(pixels)[:, c], wanted)


def test_images_in_any_memory_order_and_from_torch() -> None:
    torch = pytest.importorskip("torch")
    model = Model(random_graph(3))
    images = np.random.default_rng(0).standard_normal((3, *model.input_shape), dtype=np.float32)
    wanted = model(images)
    np.testing.assert_array_equal(model(np.asfortranarray(images)), wanted)
    np.testing.assert_array_equal(model(torch.from_numpy(images)), wanted)
    np.testing.assert_array_equal(model(torch.from_numpy(images).requires_grad_()), wanted)
    np.testing.assert_array_equal(model(torch.from_numpy(images).to(memory_format=torch.channels_last)), wanted)
    images.setflags(write=False)
    np.testing.assert_array_equal(model(images), wanted)
    with pytest.raises(InputError, match="of dtype float32 or uint8"):
        model(torch.from_numpy(images.copy()).bfloat16())


def test_wrong_images() -> None:
    model = Model(tiny())
    with wrong("images have dtype float64, but they must be float32 (normalised). Nothing is cast"):
        model(IMAGES.astype(np.float64))
    with wrong("images have dtype int64, but they must be "):
        model(IMAGES.astype(np.int64))
    with wrong("images are uint8, but they must be float32, normalised as in training: this model was exported"):
        model(IMAGES.astype(np.uint8))
    with wrong("images have shape (2, 1, 2), but they must be (N, 2, 1, 2) with N of at least 1. A single image"):
        model(IMAGES[0])
    with wrong("images have shape (1, 1, 2, 2), but they must be (N, 2, 1, 2)"):
        model(IMAGES.transpose(0, 2, 1, 3))
    with wrong("images have shape (0, 2, 1, 2), but they must be (N, 2, 1, 2) with N of at least 1"):
        model(IMAGES[:0])
    with wrong("images are a list, but they must be a NumPy array or a torch tensor."):
        model(IMAGES.tolist())
    for number in (np.nan, np.inf, -np.inf):
        images = IMAGES.copy()
        images[0, 1, 0, 1] = number
        for call in (model, model.trace):
            with wrong("the engine refuses the images: "):
                call(images)


def test_wrong_bits() -> None:
    model = Model(tiny())
    with wrong(
        "the value for layer 'sign' is uint32 (1, 1, 2, 1), but it must be float32 (N, 1, 2, 2) with N of at least 1."
    ):
        model.run_layer("sign", np.zeros((1, 1, 2, 1), np.uint32))
    with wrong("layer='nothing', but it must be a node that reads one value: sign, fc."):
        model.run_layer("nothing", np.zeros((1, 1, 2, 1), np.uint32))
    with wrong("the value for layer 'fc' is uint32 (1, 2, 1, 1), but it must be uint32 (N, 1, 2, 1) with N of at"):
        model.run_layer("fc", np.zeros((1, 2, 1, 1), np.uint32))
    with wrong("the value for layer 'fc' is uint32 (0, 1, 2, 1), but it must be "):
        model.run_layer("fc", np.zeros((0, 1, 2, 1), np.uint32))
    with wrong("words are int32 (1, 1, 2, 1), but they must be uint32 (N, H, W, 1) for 2 channels."):
        model.run_layer("fc", np.zeros((1, 1, 2, 1), np.int32))
    with wrong("words hold bits beyond channel 1, but padding bits must be 0"):
        model.run_layer("fc", np.full((1, 1, 2, 1), 4, np.uint32))


def test_wrong_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tiny.xnor"
    write(path, tiny())
    with wrong("isa='sse9', but it must be one that this CPU and build have: ", EngineError):
        load(path, isa="sse9")
    for threads in (0, -1, 257, 1.0, True, "2"):
        with wrong(f"threads={threads!r}, but it must be an integer from 1 to 256."):
            load(path, threads=threads)  # type: ignore[arg-type]
    monkeypatch.setenv("XNORKIT_ISA", "sse9")
    with pytest.raises(EngineError, match="sse9"):
        load(path)
    monkeypatch.setenv("XNORKIT_ISA", "portable")
    assert load(path).isa == "portable"
    monkeypatch.setenv("XNORKIT_THREADS", "3")
    assert load(path).threads == 3
    monkeypatch.setenv("XNORKIT_THREADS", "many")
    with pytest.raises(EngineError, match="many"):
        load(path)


def test_an_output_of_bits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.xnor"
    write(path, tiny(epilogue="bits"))
    with wrong(f"{path}: output 'fc' is bits, but it must be a node that returns float32 numbers.", FormatError):
        load(path)


def test_what_the_engine_refuses_names_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(_engine.Program):
        def add(self, *_: object) -> int:
            raise ValueError("not today")

    monkeypatch.setattr(_engine, "Program", Refusing)
    with wrong("node 'sign' (pack): the engine refuses it: not today", EngineError):
        Model(tiny())


def test_too_little_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def run(self, *_: object) -> None:
            raise MemoryError("std::bad_alloc")

    model = Model(tiny())
    monkeypatch.setattr(model._plan, "program", Full())
    with wrong("there is no memory to run 1 images at once. Pass fewer at a time.", EngineError):
        model(IMAGES)


def test_one_model_in_four_threads() -> None:
    model = Model(random_graph(5), threads=2)
    images = np.random.default_rng(0).standard_normal((40, 5, *model.input_shape), dtype=np.float32)
    wanted = [model(x) for x in images]
    with ThreadPoolExecutor(4) as pool:
        calls = list(pool.map(model, images))
        traces = list(pool.map(model.trace, images))
    last = model.graph.output
    for one, call, trace in zip(wanted, calls, traces, strict=True):
        np.testing.assert_array_equal(call, one)
        np.testing.assert_array_equal(trace[last].reshape(one.shape), one)


def test_images_that_do_not_fit_the_memory() -> None:
    """They are views of one number, which only a copy makes large."""
    model = load("lenet5-digits")
    for call in (model, model.trace):
        with pytest.raises(EngineError, match=r"^there is no memory to copy the images .* Pass fewer at a time\.$"):
            call(np.broadcast_to(np.float32(0), (10**12, 1, 28, 28)))
