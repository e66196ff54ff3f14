"""First and last layers against torch: 8-bit convolutions, binary weights with floats, quantization, groups."""

import numpy as np
import pytest
import torch
from engine_data import Geometry, Program, one_step, pack_filters, random_signs, unpack_pixels

from xnorkit import _engine
from xnorkit.nn import QuantConv2d, QuantLinear
from xnorkit.nn.quantizers import LearnedQuantizer, PixelQuantizer

ISAS = _engine.isas()
Array = np.ndarray


def filters(weight: torch.Tensor) -> Array:
    """(O, I, KH, KW) to contiguous (O, KH, KW, I)."""
    return np.ascontiguousarray(weight.numpy().transpose(0, 2, 3, 1))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("stride", "padding", "groups"), [(1, 0, 1), (2, 2, 1), (1, 1, 3)])
def test_int8_conv_equals_the_trained_layer(isa, stride, padding, groups):
    torch.manual_seed(1)
    quantizer = PixelQuantizer([0.49, 0.48, 0.45], [0.2, 0.19, 0.21])
    layer = QuantConv2d(3, 33, 5, stride, padding, groups=groups, input_quantizer=quantizer).eval()
    pixels = torch.randint(0, 256, (3, 3, 13, 12), dtype=torch.uint8)
    _, w_int, sums = layer.integers(pixels)
    zero = layer.input_quantizer.zero_point().flatten().to(torch.uint8).numpy()
    geometry = Geometry((5, 5), (stride, stride), (padding,) * 4, groups=groups)
    shared = (filters(w_int), zero, layer.integer_bias().numpy(), geometry)
    (out,) = one_step("pixels", (13, 12, 3), isa, "int8_conv2d_i32", *shared).run(pixels.numpy())
    np.testing.assert_array_equal(out, sums.permute(0, 2, 3, 1))
    scale = layer.output_scale().numpy()
    (out,) = one_step("pixels", (13, 12, 3), isa, "int8_conv2d_f32", *shared, scale).run(pixels.numpy())
    np.testing.assert_array_equal(out, layer(pixels).detach().permute(0, 2, 3, 1))
    rng = np.random.default_rng(3)
    for shape in [(33,), out.shape[1:]]:
        threshold = rng.integers(-20000, 20000, shape).astype(np.int32)
        flip = rng.integers(0, 2, shape).astype(np.uint8)
        program = one_step("pixels", (13, 12, 3), isa, "int8_conv2d_bits", *shared, threshold, flip)
        below = (sums.permute(0, 2, 3, 1).numpy() < threshold) != (flip != 0)
        np.testing.assert_array_equal(unpack_pixels(program.run(pixels.numpy())[0], 33), np.where(below, -1, 1))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("signed", [False, True])
def test_quantized_linear_equals_the_trained_layer(isa, signed):
    torch.manual_seed(2)
    layer = QuantLinear(70, 11, input_quantizer=LearnedQuantizer())
    x = torch.randn(9, 70) if signed else torch.rand(9, 70)
    layer(x)
    layer.eval()
    u, w_int, sums = layer.integers(x)
    zero_point = int(layer.input_quantizer.zero_point())
    assert zero_point == (128 if signed else 0)
    scale = float(layer.input_quantizer.quantize(x)[1].detach())
    program = Program("image", 1, 1, 70, isa)
    levels = program.quantize_u8(0, scale, zero_point)
    shared = (
        np.ascontiguousarray(w_int.numpy()[:, None, None]),
        np.full(70, zero_point, np.uint8),
        layer.integer_bias().numpy(),
        Geometry((1, 1)),
    )
    outputs = [
        levels,
        program.int8_conv2d_i32(levels, *shared),
        program.int8_conv2d_f32(levels, *shared, layer.output_scale().numpy()),
    ]
    program.finish(outputs)
    results = [out.reshape(9, -1) for out in program.run(np.ascontiguousarray(x.numpy()[:, :, None, None]))]
    for result, expected in zip(results, (u, sums, layer(x).detach()), strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("isa", ISAS)
def test_quantize_rounds_halves_to_even_and_clamps(isa):
    values = np.array([-1e30, -128.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 126.5, 127.5, 1e30], np.float32)
    program = one_step("f32", (1, 1, len(values)), isa, "quantize_u8", 0.5, 128)
    (out,) = program.run((values * np.float32(0.5)).reshape(1, 1, 1, -1))
    np.testing.assert_array_equal(out.ravel(), np.clip(np.rint(values) + 128, 0, 255))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_binary_weights_of_integers_equal_torch(isa, groups):
    rng = np.random.default_rng(groups)
    images = rng.integers(-50, 51, (3, 6, 9, 8)).astype(np.float32)
    weight = random_signs(rng, 18, 3, 5, 6 // groups)
    scale = rng.integers(1, 5, 18).astype(np.float32)
    bias = rng.integers(-50, 51, 18).astype(np.float32)
    geometry = Geometry((3, 5), (2, 1), (1, 2, 1, 2), groups=groups)
    program = one_step("image", (9, 8, 6), isa, "binary_weight_conv2d", pack_filters(weight), 18, geometry, scale, bias)
    expected = torch.nn.functional.conv2d(
        torch.tensor(images), torch.tensor(weight).permute(0, 3, 1, 2), None, (2, 1), (1, 2), groups=groups
    )
    np.testing.assert_array_equal(program.run(images)[0], expected.permute(0, 2, 3, 1).numpy() * scale + bias)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("channels", "out_channels", "groups"), [(6, 9, 3), (20, 20, 20), (20, 40, 20), (8, 136, 2)])
def test_grouped_float_conv_of_integers_equals_torch(isa, channels, out_channels, groups):
    rng = np.random.default_rng(groups)
    images = rng.integers(-50, 51, (2, channels, 9, 8)).astype(np.float32)
    weight = rng.integers(-50, 51, (out_channels, channels // groups, 3, 3)).astype(np.float32)
    bias = rng.integers(-50, 51, out_channels).astype(np.float32)
    geometry = Geometry((3, 3), (2, 1), (1, 1, 1, 1), groups=groups)
    program = one_step("image", (9, 8, channels), isa, "float_conv2d", filters(torch.tensor(weight)), bias, geometry)
    expected = torch.nn.functional.conv2d(
        torch.tensor(images), torch.tensor(weight), torch.tensor(bias), (2, 1), 1, groups=groups
    )
    np.testing.assert_array_equal(program.run(images)[0], expected.permute(0, 2, 3, 1))


def int8(weight: Array, zero: Array, bias: Array, groups: int = 1) -> int:
    program = Program("pixels", 2, 2, 4)
    return program.int8_conv2d_i32(0, weight, zero, bias, Geometry((1, 1), groups=groups))


@pytest.mark.parametrize(
    ("weight", "zero", "bias", "groups", "message"),
    [
        (np.zeros((3, 1, 1, 2), np.int8), np.zeros(4, np.uint8), np.zeros(3, np.int32), 1, r"must be \(3, 1, 1, 4\)"),
        (np.zeros((3, 4), np.int8), np.zeros(4, np.uint8), np.zeros(3, np.int32), 1, "must be .3, 1, 1, 4"),
        (np.zeros((3, 1, 1, 4), np.int8), np.zeros(3, np.uint8), np.zeros(3, np.int32), 1, "'zero_point' has shape"),
        (np.zeros((3, 1, 1, 4), np.int8), np.zeros(4, np.uint8), np.zeros(2, np.int32), 1, "'bias' has shape"),
        (
            np.zeros((3, 1, 1, 2), np.int8),
            np.zeros(4, np.uint8),
            np.zeros(3, np.int32),
            2,
            "a divisor of both 4 input and 3 output",
        ),
        (
            np.ones((1, 1, 1, 4), np.int8),
            np.zeros(4, np.uint8),
            np.full(1, 2**30 + 1, np.int32),
            1,
            r"'bias' has .* -2\^30 to 2\^30\.",
        ),
        (
            np.full((1, 1, 1, 4), -128, np.int8),
            np.zeros(4, np.uint8),
            np.zeros(1, np.int32),
            1,
            "'weight' has -128 .* -127 to 127",
        ),
        (
            np.zeros((3, 1, 1, 4), np.uint8),
            np.zeros(4, np.uint8),
            np.zeros(3, np.int32),
            1,
            "'weight' has dtype uint8, .* int8",
        ),
    ],
)
def test_int8_conv_refuses(weight, zero, bias, groups, message):
    with pytest.raises(ValueError, match=f"int8_conv2d.*{message}"):
        int8(weight, zero, bias, groups)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 1e-50])
def test_quantize_refuses_a_scale(scale):
    with pytest.raises(
        ValueError, match=r"quantize_u8: attribute 'scale' is .*, but it must be a (normal )?float32 number"
    ):
        Program("image", 2, 2, 4).quantize_u8(0, scale, 0)


@pytest.mark.parametrize("zero_point", [-1, 256, 2**40])
def test_quantize_refuses_a_zero_point(zero_point):
    with pytest.raises(ValueError, match=f"'zero_point' is {zero_point}, but it must be from 0 to 255"):
        Program("image", 2, 2, 4).quantize_u8(0, 0.5, zero_point)


def test_binary_weights_refuse_padding_bits():
    program = Program("image", 2, 2, 3)
    ones = np.ones(1, np.float32)
    with pytest.raises(ValueError, match=r"binary_weight_conv2d.*bits beyond the 3 of filter 0"):
        program.binary_weight_conv2d(0, np.full((1, 1), 255, np.uint8), 1, Geometry((1, 1)), ones, ones)
