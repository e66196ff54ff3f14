import numpy as np
import pytest
import torch
from engine_data import Geometry, Program, one_step, pack_pixels, random_signs, torch_conv, unpack_pixels
from torch.nn.functional import max_pool2d

from xnorkit import _engine

ISAS = _engine.isas()
STRIDE_PADDING = [((1, 1), (0, 0, 0, 0)), ((2, 1), (2, 0, 1, 3)), ((4, 4), (2, 2, 2, 2))]


def nchw(images):
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(
    ("stride", "padding"), [((1, 1), (0, 0, 0, 0)), ((2, 1), (2, 0, 1, 3)), ((4, 4), (2, 2, 2, 2))]
)
def test_float_conv_of_integers_equals_torch(isa, relu, stride, padding):
    rng = np.random.default_rng(1)
    images = rng.integers(-50, 51, (3, 9, 8, 3)).astype(np.float32)
    weight = rng.integers(-50, 51, (21, 5, 3, 3)).astype(np.float32)
    bias = rng.integers(-50, 51, 21).astype(np.float32)
    geometry = Geometry((5, 3), stride, padding)
    program = Program("image", 9, 8, 3, isa)
    value = program.float_conv2d(0, weight, bias, geometry)
    program.finish([program.clip(value, 0.0, np.inf) if relu else value])
    (out,) = program.run(nchw(images))
    expected = torch_conv(images, weight, stride, padding) + bias
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, np.maximum(expected, 0) if relu else expected)


@pytest.mark.parametrize("isa", ISAS)
def test_float_conv_rounds_like_the_reference(isa):
    rng = np.random.default_rng(2)
    images = rng.standard_normal((2, 3, 9, 9)).astype(np.float32)
    weight = rng.standard_normal((70, 3, 3, 3)).astype(np.float32)
    bias = rng.standard_normal(70).astype(np.float32)
    geometry = Geometry((3, 3), padding=(1, 1, 1, 1))
    outs = [
        one_step("image", (9, 9, 3), name, "float_conv2d", weight, bias, geometry).run(images)[0]
        for name in (isa, "reference")
    ]
    np.testing.assert_array_equal(outs[0].view(np.uint32), outs[1].view(np.uint32))
    np.testing.assert_allclose(
        outs[0], torch_conv(images.transpose(0, 2, 3, 1), weight, padding=(1, 1, 1, 1)) + bias, atol=1e-4
    )


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("channels", [1, 3, 8, 20, 32, 33, 64, 65])
@pytest.mark.parametrize("per_position", [False, True])
def test_pack(isa, channels, per_position):
    rng = np.random.default_rng(channels)
    shape = (5, 6, channels) if per_position else (channels,)
    images = rng.integers(-2, 3, (3, 5, 6, channels)).astype(np.float32)
    threshold = rng.integers(-2, 3, shape).astype(np.float32)
    flip = rng.integers(0, 2, shape, dtype=np.uint8)
    (out,) = one_step("image", (5, 6, channels), isa, "pack", threshold, flip).run(nchw(images))
    bit = (images < threshold) ^ flip.astype(bool)
    np.testing.assert_array_equal(unpack_pixels(out, channels), np.where(bit, -1, 1))


@pytest.mark.parametrize("isa", ISAS)
def test_pack_minus_zero_and_infinite_thresholds(isa):
    images = np.array([[-0.0, 0.0, 1.0, -1.0]], np.float32).reshape(1, 4, 1, 1)
    threshold = np.array([0.0, -0.0, np.inf, -np.inf], np.float32)
    (out,) = one_step("image", (1, 1, 4), isa, "pack", threshold, np.zeros(4, np.uint8)).run(images)
    assert out.ravel().tolist() == [0b0100]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 1, 0), (3, 3, 0)])
@pytest.mark.parametrize("channels", [1, 20, 32, 50])
def test_max_pool_bits(isa, kernel, stride, padding, channels):
    rng = np.random.default_rng([kernel, stride, channels])
    signs = random_signs(rng, 2, 7, 9, channels)
    falling = rng.integers(0, 2, channels, dtype=np.uint8)
    geometry = Geometry((kernel, kernel), (stride, stride), (padding,) * 4)
    (out,) = one_step("bits", (7, 9, channels), isa, "max_pool_bits", geometry, falling).run(pack_pixels(signs))
    # Rising: the largest sign. Falling: the bit was taken of a falling function, so the smallest.
    direction = np.where(falling, -1, 1).astype(np.float32)
    pooled = max_pool2d(torch.tensor(signs * direction).permute(0, 3, 1, 2), kernel, stride, padding)
    np.testing.assert_array_equal(unpack_pixels(out, channels), pooled.permute(0, 2, 3, 1).numpy() * direction)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("threads", [1, 2])
def test_uint8_images_through_a_table(isa, threads):
    rng = np.random.default_rng(4)
    table = rng.standard_normal((3, 256)).astype(np.float32)
    images = rng.integers(0, 256, (17, 3, 31, 30), dtype=np.uint8)
    program = Program("image", 31, 30, 3, isa)
    program.set_uint8_table(table)
    program.finish([program.pack(0, np.zeros(3, np.float32), np.zeros(3, np.uint8))])
    floats = np.stack([table[c][images[:, c]] for c in range(3)], axis=1)
    expected = np.where(floats < 0, -1, 1).transpose(0, 2, 3, 1)
    for source in (images, floats):
        (out,) = program.run(source, threads=threads)
        np.testing.assert_array_equal(unpack_pixels(out, 3), expected)


def signs_program(isa):
    program = Program("f32", 3, 4, 2, isa)
    program.finish([program.pack(0, np.zeros(2, np.float32), np.zeros(2, np.uint8))])
    return program


@pytest.mark.parametrize("isa", ISAS)
def test_float_values_enter_as_they_are(isa):
    values = np.random.default_rng(5).standard_normal((20, 3, 4, 2)).astype(np.float32)
    (out,) = signs_program(isa).run(values)
    np.testing.assert_array_equal(unpack_pixels(out, 2), np.where(values < 0, -1, 1))


def test_float_values_are_finite():
    values = np.zeros((2, 3, 4, 2), np.float32)
    values[1, 2, 3, 1] = np.inf
    with pytest.raises(ValueError, match="inf at image 1, channel 1, row 2, column 3, but it must hold finite numbers"):
        signs_program("portable").run(values)
