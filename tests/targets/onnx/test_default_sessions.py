"""Default sessions, which fold scales into filters: what decides a sign is there what the interpreter computes."""

from itertools import product
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from exact_graphs import exact_graph, images_of
from networks import NoNorm, randomize_
from onnxruntime import GraphOptimizationLevel
from torch import Tensor, nn

from xnorkit.export import pack
from xnorkit.format import Graph, InputSpec, Node, Normalization
from xnorkit.nn import BinaryConv2d, quantize_first_last_
from xnorkit.proof.interpret import interpret
from xnorkit.runtime import Model
from xnorkit.targets.onnx import to_onnx

LEVELS = {"default": None, "nothing folded": GraphOptimizationLevel.ORT_DISABLE_ALL}


def run(content: bytes, images: np.ndarray, level: Any = None) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    if level is not None:
        options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"images": images})[0])


def interpreted(graph: Graph, images: np.ndarray) -> np.ndarray:
    value = interpret(graph, images)[graph.output].transpose(0, 3, 1, 2)
    return value.reshape(value.shape[:2]) if value.shape[2:] == (1, 1) else value


def quarters(*shape: int) -> np.ndarray:
    """Return images of multiples of 1/4, whose products with multiples of 1/64 are exact in any order of summation."""
    return np.rint(np.random.default_rng(0).standard_normal(shape, dtype=np.float32) * 4) / 4


def sixty_fourths_(layer: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_((parameter * 64).round() / 64)
    return layer


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("first", ["float", "binary"])
def test_signs_of_sums_that_are_0(first: str, packed: bool, level: str) -> None:
    torch.manual_seed(0)
    model = NoNorm(
        sixty_fourths_(nn.Conv2d(3, 16, 3)) if first == "float" else BinaryConv2d(3, 16, 3, bias=False)
    ).eval()
    images = quarters(64, 3, 12, 12)
    graph = pack(model, (3, 12, 12))
    wanted = Model(graph)(images)
    logits = run(to_onnx(graph, packed=packed).SerializeToString(), images, LEVELS[level])
    np.testing.assert_allclose(logits, wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())
    np.testing.assert_array_equal(logits.argmax(1), wanted.argmax(1))


@pytest.mark.parametrize("seeds", [range(first, first + 20) for first in range(0, 120, 20)], ids=str)
def test_random_graphs_are_equal_bit_for_bit(seeds: range) -> None:
    """As the float numbers of the interpreter: 0 and -0 are equal."""
    for seed in seeds:
        graph = exact_graph(seed)
        images = images_of(graph, 3, seed + 1)
        wanted = interpreted(graph, images)
        for packed, level in product((True, False), LEVELS.values()):
            got = run(to_onnx(graph, packed=packed).SerializeToString(), images, level)
            np.testing.assert_array_equal(got, wanted, err_msg=f"seed {seed}, packed {packed}, {level}")


def flushed(content: bytes) -> bytes:
    """Return the model with 0 in place of subnormal constants, which some runtimes make of them."""
    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            small = np.abs(array) < np.finfo(np.float32).tiny
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.where(small, np.float32(0), array), tensor.name))
    return model.SerializeToString()


SMALLEST = np.nextafter(np.float32(0), np.float32(1))
THRESHOLDS = {"0": [0.0], "x > 0": [SMALLEST], "both": [0.0, SMALLEST], "all": [0.0, SMALLEST, -SMALLEST, 0.5, -np.inf]}


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("name", THRESHOLDS)
def test_signs_at_0_where_subnormal_constants_are_0(name: str, flush: bool) -> None:
    threshold = np.array(THRESHOLDS[name] * 2, np.float32)
    flip = np.repeat(np.array([0, 1], np.uint8), len(threshold) // 2)
    pack_node = Node("pack", "pack", ("input",), {}, {"threshold": threshold, "flip": flip})
    weight = np.packbits(np.eye(len(threshold), dtype=np.uint8), axis=1, bitorder="little")
    ones = np.ones(len(threshold), np.float32)
    attributes = {
        "kernel": [1, 1],
        "stride": [1, 1],
        "padding": [0, 0, 0, 0],
        "dilation": [1, 1],
        "groups": 1,
        "in_channels": len(threshold),
        "out_channels": len(threshold),
        "epilogue": "float",
    }
    layer = Node(
        "layer", "binary_conv2d", ("pack",), attributes, {"weight": weight, "scale": ones, "bias": np.zeros_like(ones)}
    )
    graph = Graph("signs", InputSpec((len(threshold), 1, 6)), (pack_node, layer), "layer")
    numbers = np.array([0.0, -0.0, 1e-30, -1e-30, 0.5, -2.0], np.float32)
    images = np.broadcast_to(numbers, (1, len(threshold), 1, 6)).copy()
    content = to_onnx(graph).SerializeToString()
    np.testing.assert_array_equal(run(flushed(content) if flush else content, images), interpreted(graph, images))


@pytest.mark.parametrize("seeds", [range(20), range(20, 40)], ids=str)
def test_random_graphs_where_subnormal_constants_are_0(seeds: range) -> None:
    for seed in seeds:
        graph = exact_graph(seed)
        images = images_of(graph, 3, seed + 1)
        got = run(flushed(to_onnx(graph).SerializeToString()), images)
        np.testing.assert_array_equal(got, interpreted(graph, images), err_msg=f"seed {seed}")


def test_random_graphs_in_openvino() -> None:
    """Bit for bit, but where it divides by a constant: it multiplies by the reciprocal."""
    openvino: Any = pytest.importorskip("openvino", reason="openvino is an optional peer")
    for seed in range(60):
        graph = exact_graph(seed)
        if any(node.op in ("quantize_u8", "avg_pool", "global_avg_pool") for node in graph.nodes):
            continue
        images = images_of(graph, 3, seed + 1)
        model = openvino.Core().read_model(to_onnx(graph).SerializeToString())
        compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        np.testing.assert_array_equal(compiled(images)[0], interpreted(graph, images), err_msg=f"seed {seed}")


def test_every_constant_is_used() -> None:
    """A runtime warns of those that no node reads."""
    for seed in range(120):
        body = to_onnx(exact_graph(seed)).graph
        assert {c.name for c in body.initializer} <= {name for node in body.node for name in node.input}


def test_the_random_graphs_reach_every_exact_operation() -> None:
    graphs = [exact_graph(seed) for seed in range(120)]
    found = {(node.op, node.attributes.get("epilogue")) for graph in graphs for node in graph.nodes}
    layers = {
        (f"{kind}_{form}", e) for kind, form, e in product(("binary", "int8"), ("conv2d", "linear"), ("bits", "float"))
    }
    others = {"binary_weight_conv2d", "pack", "quantize_u8", "max_pool_bits", "max_pool", "add", "multiply"}
    steps = {"avg_pool", "global_avg_pool", "concat", "affine", "clip", "prelu", "pad", "gather_channels"}
    assert found >= layers | {(op, None) for op in others | steps}
    convolutions = [node.attributes for graph in graphs for node in graph.nodes if "groups" in node.attributes]
    assert any(a["groups"] > 1 for a in convolutions)
    assert any(a["dilation"] != [1, 1] for a in convolutions)
    assert any(a["padding"][:2] != a["padding"][2:] for a in convolutions)


class Residual(nn.Module):
    """Two binary layers, each with or without what may stand around it."""

    def __init__(self, norm: bool, bias: bool, join: bool, groups: int, pool: nn.Module) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(12) if norm else nn.Identity() for _ in range(2))
        self.convs = nn.ModuleList(BinaryConv2d(12, 12, 3, padding=1, groups=g, bias=bias) for g in (groups, 1))
        self.pool, self.join = pool, join

    def forward(self, x: Tensor) -> Tensor:
        y = self.convs[0](self.norms[0](x))
        z = self.convs[1](self.norms[1](self.pool(y)))
        return z + self.pool(y) if self.join else z


def network(first: str, norm: bool, bias: bool, join: bool) -> tuple[nn.Module, Graph]:
    """Return a small trained-looking network and its graph; float first layers have sums that no order rounds."""
    torch.manual_seed(norm + 2 * bias + 4 * join)
    stem: nn.Module = nn.Conv2d(3, 12, 3, stride=2, bias=False)
    if first == "binary":
        stem = BinaryConv2d(3, 12, 3, stride=2, bias=bias)
    pool = nn.MaxPool2d(2) if norm else nn.AvgPool2d(2)
    body = Residual(norm, bias, join, 3 if bias else 1, pool)
    model = randomize_(nn.Sequential(stem, body, nn.Flatten(), nn.Linear(12 * 9, 5)), 1)
    normalization = None
    if first == "8-bit":
        quantize_first_last_(model, mean=(0.5,) * 3, std=(0.25,) * 3)
        with torch.no_grad():
            model.train()(torch.randn(8, 3, 14, 14))  # sets the scale of the last layer's input
        normalization = Normalization((0.5,) * 3, (0.25,) * 3)
    elif first == "float":
        sixty_fourths_(stem)
    return model.eval(), pack(model.eval(), (3, 14, 14), normalization=normalization)


@pytest.mark.parametrize("first", ["float", "binary", "8-bit"])
def test_networks(first: str) -> None:
    """Only the last linear layer is rounded in another order; its 8-bit form is exact."""
    images = quarters(32, 3, 14, 14)
    for norm, bias, join in product((False, True), repeat=3):
        model, graph = network(first, norm, bias, join)
        content = to_onnx(graph).SerializeToString()
        wanted = interpreted(graph, images)
        with torch.no_grad():
            trained = model(torch.from_numpy(images)).numpy()
        for got in (trained, Model(graph)(images), *(run(content, images, level) for level in LEVELS.values())):
            np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())
            np.testing.assert_array_equal(got.argmax(1), wanted.argmax(1))


WINDOWS = [
    {"kernel": [2, 2], "stride": [2, 2], "padding": [0, 0, 0, 0]},
    {"kernel": [3, 2], "stride": [2, 1], "padding": [1, 0, 2, 1]},
    {"kernel": [3, 3], "stride": [3, 3], "padding": [1, 1, 1, 1]},
]


@pytest.mark.parametrize("channels", [5, 16])
@pytest.mark.parametrize("window", WINDOWS, ids=["2x2", "3x2", "3x3"])
def test_means_that_decide_a_sign(window: dict[str, Any], channels: int) -> None:
    """An average's order of summation is that of docs/format.md in front of a sign, also for images of any size."""
    rng = np.random.default_rng(0)
    ones = np.ones(channels, np.float32)
    for ceil, include, dynamic in product((False, True), repeat=3):
        if ceil and dynamic:
            continue
        options = {**window, "ceil_mode": ceil, "count_include_pad": include}
        scale = rng.uniform(0.1, 1, channels).astype(np.float32)
        conv = {"kernel": [1, 1], "stride": [1, 1], "padding": [0] * 4, "dilation": [1, 1], "groups": 1}
        conv |= {"in_channels": channels, "out_channels": channels, "epilogue": "float"}
        bits = np.packbits(rng.integers(0, 2, (channels, channels), dtype=np.uint8), axis=1, bitorder="little")
        signs = {"threshold": 0 * ones, "flip": np.zeros(channels, np.uint8)}
        layer = {"weight": bits, "scale": scale, "bias": 0 * ones}
        nodes = (
            Node("s", "pack", ("input",), {}, signs),
            Node("c", "binary_conv2d", ("s",), conv, layer),
            Node("p", "avg_pool", ("c",), options, {}),
            Node("t", "pack", ("p",), {}, signs),
            Node("y", "binary_conv2d", ("t",), conv, layer),
        )
        graph = Graph("means", InputSpec((channels, 9, 8), None, dynamic=dynamic), nodes, "y")
        content = to_onnx(graph).SerializeToString()
        for size in ((9, 8), (7, 10)) if dynamic else ((9, 8),):
            images = rng.standard_normal((4, channels, *size), dtype=np.float32)
            np.testing.assert_array_equal(run(content, images), interpreted(graph, images))
