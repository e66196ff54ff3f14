"""The interpreter's operations against PyTorch's, over odd geometries."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from xnorkit.errors import InputError
from xnorkit.format import Graph, InputSpec, Node, Normalization
from xnorkit.format.operations import ACTIVATIONS
from xnorkit.functional import input_scale
from xnorkit.nn import PixelQuantizer
from xnorkit.proof.bounds import SLACK, bound
from xnorkit.proof.interpret import apply, dots, interpret, read_images

RNG = np.random.default_rng(0)
CONV = {"kernel": [3, 2], "stride": [2, 1], "padding": [1, 0, 2, 1], "dilation": [1, 2], "groups": 2}
CONV |= {"in_channels": 6, "out_channels": 4}


def image(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, dtype=np.float32)


def torch_conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    padded = F.pad(torch.from_numpy(x).permute(0, 3, 1, 2), (0, 1, 1, 2))
    filters = torch.from_numpy(weight).permute(0, 3, 1, 2)
    y = F.conv2d(padded, filters, None if bias is None else torch.from_numpy(bias), (2, 1), 0, (1, 2), 2)
    return y.permute(0, 2, 3, 1).numpy()


def node(op: str, attributes: dict | None = None, **tensors: np.ndarray) -> Node:
    return Node("n", op, ("input",), attributes or {}, tensors)


def test_float_convolution() -> None:
    x, weight, bias = image(2, 7, 8, 6), image(4, 3, 2, 3), image(4)
    got = apply(node("float_conv2d", CONV, weight=weight, bias=bias), x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, torch_conv(x, weight, bias), atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("op", ["binary_conv2d", "binary_weight_conv2d"])
def test_the_bound_of_a_layer_of_signs(op: str, groups: int) -> None:
    attributes = {**CONV, "groups": groups, "out_channels": 12, "epilogue": "float"}
    x = image(2, 7, 8, 6) if op == "binary_weight_conv2d" else np.where(image(2, 7, 8, 6) < 0, -1, 1).astype(np.int8)
    scale, bias = image(12), image(12)
    padded = F.pad(torch.from_numpy(np.abs(x.astype(np.float64))).permute(0, 3, 1, 2), (0, 1, 1, 2))
    ones = torch.ones(12, 6 // groups, 3, 2, dtype=torch.float64)
    sums = F.conv2d(padded, ones, None, (2, 1), 0, (1, 2), groups).permute(0, 2, 3, 1).numpy()
    got = bound(node(op, attributes, scale=scale, bias=bias), [x], np.zeros(1))
    terms = 0 if op == "binary_conv2d" else 6 // groups * 6
    exact = (terms + SLACK) * 2.0**-24 * (sums * np.abs(scale.astype(np.float64)) + np.abs(bias))
    np.testing.assert_allclose(got, exact, rtol=1e-12)


@pytest.mark.parametrize("epilogue", ["bits", "float"])
def test_binary_convolution(epilogue: str) -> None:
    signs = np.where(image(4, 3, 2, 3) < 0, -1, 1).astype(np.float32)
    x = np.where(image(2, 7, 8, 6) < 0, -1, 1).astype(np.int8)
    expected = torch_conv(x.astype(np.float32), signs)
    tensors = {"weight": np.packbits(signs.reshape(4, -1) < 0, axis=1, bitorder="little")}
    attributes = {**CONV, "epilogue": epilogue}
    if epilogue == "float":
        tensors |= {"scale": image(4), "bias": image(4)}
        got = apply(node("binary_conv2d", attributes, **tensors), x)
        assert np.array_equal(got, expected * tensors["scale"] + tensors["bias"])
    else:
        tensors |= {"threshold": np.int32([-3, 0, 2, 5]), "flip": np.uint8([0, 1, 0, 1])}
        got = apply(node("binary_conv2d", attributes, **tensors), x)
        minus = (expected < tensors["threshold"]) ^ (tensors["flip"] == 1)
        assert got.dtype == np.int8
        assert np.array_equal(got, np.where(minus, -1, 1))
    assert np.array_equal(dots(node("binary_conv2d", attributes, **tensors), x), expected)


def test_int8_convolution_pads_with_the_zero_point() -> None:
    x = RNG.integers(0, 256, (2, 7, 8, 6), dtype=np.uint8)
    weight = RNG.integers(-127, 128, (4, 3, 2, 3)).astype(np.int8)
    zero, bias, scale = np.uint8([3, 9, 128, 0, 255, 7]), np.int32([-5000, 0, 77, 1]), image(4)
    tensors = {"weight": weight, "zero_point": zero, "bias": bias, "scale": scale}
    got = apply(node("int8_conv2d", {**CONV, "epilogue": "float"}, **tensors), x)
    expected = torch_conv((x.astype(np.float32) - zero).astype(np.float64), weight.astype(np.float64)) + bias
    assert np.array_equal(got, expected.astype(np.float32) * scale)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 3, 1), (2, 1, 0), (3, 5, 1)])
def test_avg_pool(kernel: int, stride: int, padding: int, ceil_mode: bool, count_include_pad: bool) -> None:
    x = image(2, 7, 8, 5)
    window = {"kernel": [kernel] * 2, "stride": [stride] * 2, "padding": [padding] * 4}
    got = apply(node("avg_pool", {**window, "ceil_mode": ceil_mode, "count_include_pad": count_include_pad}), x)
    pool = torch.nn.AvgPool2d(kernel, stride, padding, ceil_mode, count_include_pad)
    np.testing.assert_allclose(got, pool(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1), atol=1e-6)


def test_max_pools() -> None:
    x = image(2, 7, 8, 5)
    window = {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1, 1, 1]}
    expected = F.max_pool2d(torch.from_numpy(x).permute(0, 3, 1, 2), 3, 2, 1).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(apply(node("max_pool", {**window, "dilation": [1, 1]}), x), expected)
    signs = np.where(x < 0, -1, 1).astype(np.int8)
    falling = np.uint8([0, 1, 0, 1, 1])
    got = apply(node("max_pool_bits", window, falling=falling), signs)
    turned = torch.from_numpy(np.where(falling == 1, -signs, signs)).float().permute(0, 3, 1, 2)
    highest = F.max_pool2d(turned, 3, 2, 1).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(got, np.where(falling == 1, -highest, highest))


def test_pad_bits() -> None:
    """The padding 0 of activations 0 and 1 is the sign -1 of s = 2x - 1."""
    x = np.where(image(2, 3, 4, 5) > 0, np.float32(1), np.float32(0))
    signs = apply(node("pad_bits", {"padding": [1, 2, 0, 3]}), (2 * x - 1).astype(np.int8))
    assert signs.dtype == np.int8
    assert np.array_equal(signs, 2 * np.pad(x, ((0, 0), (1, 0), (2, 3), (0, 0))) - 1)


def test_k_map() -> None:
    x = image(2, 7, 8, 5)
    attributes = {"kernel": [3, 2], "stride": [2, 1], "padding": [1, 1, 1, 1], "dilation": [1, 2]}
    expected = input_scale(torch.from_numpy(x).permute(0, 3, 1, 2), (3, 2), (2, 1), (1, 1), (1, 2))
    np.testing.assert_allclose(apply(node("k_map", attributes), x), expected.permute(0, 2, 3, 1), atol=1e-6)


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations(function: str) -> None:
    x = image(2, 3, 4, 5) * 4
    call = (lambda t: t.softmax(3)) if function == "softmax" else getattr(F, function)
    got = apply(node("activation", {"function": function}), x)
    np.testing.assert_allclose(got, call(torch.from_numpy(x)), rtol=1e-5, atol=1e-6)


def test_small_operations() -> None:
    x = image(2, 3, 4, 5)
    slope, scale, bias = image(5), image(3, 4, 5), image(5)
    assert np.array_equal(apply(node("prelu", slope=slope), x), np.where(x >= 0, x, x * slope))
    assert np.array_equal(apply(node("affine", scale=scale, bias=bias), x), x * scale + bias)
    assert np.array_equal(apply(node("clip", {"min": 0.0, "max": None}), x), np.maximum(x, 0))
    assert apply(node("pad", {"padding": [1, 2, 3, 4], "channels": [5, 6]}), x).shape == (2, 7, 10, 16)
    assert np.array_equal(apply(node("gather_channels", index=np.int32([4, 4, 0])), x), x[..., [4, 4, 0]])
    assert np.array_equal(apply(node("concat"), x, x), np.concatenate((x, x), 3))
    assert np.array_equal(apply(node("multiply"), x, x[:, :1, :1]), x * x[:, :1, :1])
    pooled = apply(node("global_avg_pool"), x)
    np.testing.assert_allclose(pooled, x.mean((1, 2), keepdims=True), atol=1e-6)
    quantized = apply(node("quantize_u8", {"scale": 0.02, "zero_point": 128}), x)
    assert np.array_equal(quantized, np.clip(np.rint(x / np.float32(0.02)) + 128, 0, 255).astype(np.uint8))


def test_pixels_as_the_quantizer_of_training_reads_them() -> None:
    mean, std = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)
    spec = InputSpec((3, 4, 4), Normalization(mean, std), kind="u8")
    graph = Graph("pixels", spec, (), "input")
    pixels = RNG.integers(0, 256, (5, 3, 4, 4), dtype=np.uint8)
    table = Normalization(mean, std).table()
    floats = np.stack([table[c][pixels[:, c]] for c in range(3)], axis=1)
    assert np.array_equal(interpret(graph, floats)["input"], pixels.transpose(0, 2, 3, 1))
    noisy = floats + image(5, 3, 4, 4) * np.float32(0.3)
    quantizer = PixelQuantizer(mean, std)
    d, _ = quantizer.quantize(torch.from_numpy(noisy))
    assert np.array_equal(read_images(graph, noisy).transpose(0, 3, 1, 2), (d + quantizer.zero_point()).numpy())


def test_pixels_need_a_normalization() -> None:
    with pytest.raises(InputError, match="or use a graph with a normalization"):
        read_images(Graph("g", InputSpec((1, 2, 2)), (), "input"), np.zeros((1, 1, 2, 2), np.uint8))
