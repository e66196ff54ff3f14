"""ONNX files of every operation in two stock runtimes: what the engine's reference gives, within float rounding."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from single_ops import CASES, case, images_for
from torch import nn

from xnorkit.errors import ExportError, InputError
from xnorkit.export import pack
from xnorkit.format import Graph, Node
from xnorkit.format.file import to_bytes
from xnorkit.models import create_model
from xnorkit.runtime import Model
from xnorkit.targets.onnx import to_onnx, write_onnx

# Integer sums behind signs or 8-bit numbers, then float steps of one rounding each. Elsewhere stands a float sum, whose
# order is the runtime's.
EXACT = ("int8_", "quantize_u8", "binary_conv2d", "binary_linear", "pack", "max_pool_bits", "concat bits")


def run(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", CASES)
def test_every_operation_in_onnx_runtime(name: str) -> None:
    graph = case(name)
    images = images_for(graph)
    wanted = Model(graph, isa="reference")(images)
    packed, plain = run(to_onnx(graph), images), run(to_onnx(graph, packed=False), images)
    np.testing.assert_array_equal(packed, plain)
    if name.startswith(EXACT):
        np.testing.assert_array_equal(packed, wanted)
    else:
        np.testing.assert_allclose(packed, wanted, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", CASES)
def test_every_operation_in_openvino(name: str) -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is an optional peer")
    graph = case(name)
    images = images_for(graph)
    model = openvino.Core().read_model(to_onnx(graph).SerializeToString())
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    wanted = Model(graph, isa="reference")(images)
    np.testing.assert_allclose(compiled(images)[0], wanted, rtol=2e-5, atol=2e-5)


def test_lenet5_equals_pytorch_and_stays_small(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model("lenet5").eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # statistics that make both signs
            module.running_mean.uniform_(0.1, 0.5)
            module.running_var.uniform_(0.5, 2)
    graph = pack(model, (1, 28, 28))
    images = torch.randn(50, 1, 28, 28)
    with torch.no_grad():
        wanted = model(images).numpy()
    sizes = {}
    for packed in (True, False):
        path = tmp_path / "lenet5.onnx"
        write_onnx(path, graph, packed=packed)
        sizes[packed] = path.stat().st_size
        logits = run(onnx.load(path), images.numpy())
        np.testing.assert_allclose(logits, wanted, atol=1e-5)
        np.testing.assert_array_equal(logits.argmax(1), wanted.argmax(1))
    assert sizes[True] < len(to_bytes(graph)) + 4000
    assert sizes[False] > 4 * 431_000


def test_images_of_any_size() -> None:
    graph = case("dynamic")
    model = to_onnx(graph)
    images = np.random.default_rng(0).standard_normal((2, 3, 11, 9), dtype=np.float32)
    np.testing.assert_allclose(run(model, images), Model(graph)(images), rtol=2e-5, atol=2e-5)


def test_long_8_bit_filters_are_summed_in_exact_parts() -> None:
    rng = np.random.default_rng(0)
    base = case("int8_linear float")
    channels = 3000
    tensors = {
        "weight": np.full((2, 1, 1, channels), 127, np.int8),
        "zero_point": np.zeros(channels, np.uint8),
        "bias": np.array([7, -(2**30)], np.int32),
        "scale": np.ones(2, np.float32),
    }
    spec = type(base.input)((channels, 1, 1), None, "u8")
    node = Node("y", "int8_linear", ("input",), {"out_features": 2, "epilogue": "float"}, tensors)
    graph = Graph("long", spec, (node,), "y")
    images = rng.integers(200, 256, (3, channels, 1, 1), dtype=np.uint8)
    np.testing.assert_array_equal(run(to_onnx(graph), images), Model(graph)(images))


def test_long_8_bit_filters_in_groups() -> None:
    rng = np.random.default_rng(0)
    base = case("int8_conv2d groups")
    tensors = {
        "weight": rng.integers(-127, 128, (4, 3, 3, 150)).astype(np.int8),
        "zero_point": rng.integers(0, 256, 300).astype(np.uint8),
        "bias": np.zeros(4, np.int32),
        "scale": np.ones(4, np.float32),
    }
    geometry = {"kernel": [3, 3], "groups": 2, "in_channels": 300, "out_channels": 4}
    node = Node("y", "int8_conv2d", ("input",), {**base.nodes[-1].attributes, **geometry}, tensors)
    graph = Graph("long", type(base.input)((300, 5, 4), None, "u8"), (node,), "y")
    images = rng.integers(0, 256, (2, 300, 5, 4), dtype=np.uint8)
    np.testing.assert_array_equal(run(to_onnx(graph), images), Model(graph)(images))


def test_what_onnx_cannot_say_is_named(tmp_path: Path) -> None:
    graph = case("avg_pool ceil")
    dynamic = Graph(graph.name, type(graph.input)(graph.input.shape, dynamic=True), graph.nodes, graph.output)
    with pytest.raises(ExportError, match="node 'y' pools with ceil_mode"):
        to_onnx(dynamic)
    with pytest.raises(InputError, match="cannot be written"):
        write_onnx(tmp_path / "no" / "such.onnx", case("add"))
