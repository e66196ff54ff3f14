import numpy as np
import pytest
from engine_data import Geometry, Program, one_step, pack_filters, pack_pixels, random_signs, torch_conv, unpack_pixels

from xnorkit import _engine

ISAS = _engine.isas()
PADDINGS = [(0, 0, 0, 0), (1, 1, 1, 1), (2, 0, 1, 3), (4, 4, 4, 4)]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (5, 5), (7, 7), (1, 4), (3, 2)])
@pytest.mark.parametrize("padding", PADDINGS)
def test_integers_equal_torch(isa, kernel, padding):
    rng = np.random.default_rng([*kernel, *padding])
    for stride in [(1, 1), (2, 2), (3, 1)]:
        for dilation in [(1, 1), (2, 3)]:
            height, width = (
                7 + padding[0] + padding[2] - dilation[0] * (kernel[0] - 1),
                8 + padding[1] + padding[3] - dilation[1] * (kernel[1] - 1),
            )
            if height < 1 or width < 1:
                continue
            images = random_signs(rng, 2, 7, 8, 37)
            weight = random_signs(rng, 34, *kernel, 37)
            geometry = Geometry(kernel, stride, padding, dilation)
            program = one_step("bits", (7, 8, 37), isa, "binary_conv2d_i32", pack_filters(weight), 34, geometry)
            (out,) = program.run(pack_pixels(images))
            assert out.dtype == np.int32
            np.testing.assert_array_equal(out, torch_conv(images, weight, stride, padding, dilation))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("channels", [1, 3, 31, 32, 33, 64, 65, 128])
@pytest.mark.parametrize("out_channels", [1, 10, 32, 33, 64, 65, 130])
def test_bits_are_the_thresholded_integers(isa, channels, out_channels):
    rng = np.random.default_rng([channels, out_channels])
    images, weight = random_signs(rng, 3, 5, 4, channels), random_signs(rng, out_channels, 3, 3, channels)
    threshold = rng.integers(-9, 10, out_channels, dtype=np.int32)
    flip = rng.integers(0, 2, out_channels, dtype=np.uint8)
    program = one_step(
        "bits",
        (5, 4, channels),
        isa,
        "binary_conv2d_bits",
        pack_filters(weight),
        out_channels,
        Geometry((3, 3), padding=(1, 1, 1, 1)),
        threshold,
        flip,
    )
    (out,) = program.run(pack_pixels(images))
    assert out.dtype == np.uint32
    bit = (torch_conv(images, weight, padding=(1, 1, 1, 1)) < threshold) ^ flip.astype(bool)
    np.testing.assert_array_equal(unpack_pixels(out, out_channels), np.where(bit, -1, 1))


@pytest.mark.parametrize("isa", ISAS)
def test_thresholds_per_position(isa):
    rng = np.random.default_rng(5)
    images, weight = random_signs(rng, 4, 6, 7, 20), random_signs(rng, 70, 3, 3, 20)
    threshold = rng.integers(-15, 16, (6, 7, 70), dtype=np.int32)
    flip = rng.integers(0, 2, (6, 7, 70), dtype=np.uint8)
    geometry = Geometry((3, 3), padding=(1, 1, 1, 1))
    program = one_step(
        "bits", (6, 7, 20), isa, "binary_conv2d_bits", pack_filters(weight), 70, geometry, threshold, flip
    )
    (out,) = program.run(pack_pixels(images))
    bit = (torch_conv(images, weight, padding=(1, 1, 1, 1)) < threshold) ^ flip.astype(bool)
    np.testing.assert_array_equal(unpack_pixels(out, 70), np.where(bit, -1, 1))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("flip", [0, 1])
@pytest.mark.parametrize("threshold", [-(2**31), -28, -27, -26, 26, 27, 28, 2**31 - 1])
def test_extreme_thresholds(isa, threshold, flip):
    images = np.concatenate([np.ones((1, 1, 1, 27)), -np.ones((1, 1, 1, 27))]).astype(np.float32)
    weight = np.ones((1, 1, 1, 27), np.float32)  # dots are 27 and -27
    program = one_step(
        "bits",
        (1, 1, 27),
        isa,
        "binary_conv2d_bits",
        pack_filters(weight),
        1,
        Geometry((1, 1)),
        np.array([threshold], np.int32),
        np.array([flip], np.uint8),
    )
    (out,) = program.run(pack_pixels(images))
    assert out.ravel().tolist() == [int(dot < threshold) ^ flip for dot in (27, -27)]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("relu", [False, True])
def test_floats_are_scaled_in_two_roundings(isa, relu):
    rng = np.random.default_rng(6)
    images, weight = random_signs(rng, 2, 5, 5, 50), random_signs(rng, 37, 3, 3, 50)
    scale = rng.standard_normal(37).astype(np.float32)
    bias = rng.standard_normal(37).astype(np.float32)
    geometry = Geometry((3, 3), padding=(1, 1, 1, 1))
    program = Program("bits", 5, 5, 50, isa)
    value = program.binary_conv2d_f32(0, pack_filters(weight), 37, geometry, scale, bias)
    program.finish([program.clip(value, 0.0, np.inf) if relu else value])
    (out,) = program.run(pack_pixels(images))
    expected = torch_conv(images, weight, padding=(1, 1, 1, 1)) * scale + bias
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(out, np.maximum(expected, 0) if relu else expected)


@pytest.mark.parametrize("isa", ISAS)
def test_long_filter(isa):
    rng = np.random.default_rng(7)
    images, weight = random_signs(rng, 2, 3, 3, 4097), random_signs(rng, 3, 3, 3, 4097)
    geometry = Geometry((3, 3))
    program = one_step("bits", (3, 3, 4097), isa, "binary_conv2d_i32", pack_filters(weight), 3, geometry)
    (out,) = program.run(pack_pixels(images))
    np.testing.assert_array_equal(out, torch_conv(images, weight))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("images", [0, 1, 5, 16, 17, 40])
def test_linear_over_a_batch(isa, images):
    rng = np.random.default_rng(images)
    source, weight = random_signs(rng, images, 4, 4, 50), random_signs(rng, 70, 4, 4, 50)
    geometry = Geometry((4, 4))
    program = one_step("bits", (4, 4, 50), isa, "binary_conv2d_i32", pack_filters(weight), 70, geometry)
    (out,) = program.run(pack_pixels(source))
    expected = source.reshape(images, 800) @ weight.reshape(70, 800).T
    np.testing.assert_array_equal(out, expected.reshape(images, 1, 1, 70))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("images", [1, 2, 5])
@pytest.mark.parametrize("to", ["integers", "bits", "floats"])
def test_a_linear_layer_whose_weights_come_from_memory(isa, images, to):
    """Some instruction sets have other kernels for it, from 256 KiB of weights on."""
    inputs, channels = 2081, 1100
    rng = np.random.default_rng([images, len(to)])
    source, weight = random_signs(rng, images, 1, 1, inputs), random_signs(rng, channels, 1, 1, inputs)
    filters = pack_filters(weight)
    assert filters.size >= 1 << 18
    dots = (source.reshape(images, inputs) @ weight.reshape(channels, inputs).T).astype(np.int32)
    threshold = rng.integers(-90, 91, channels, dtype=np.int32)
    flip = rng.integers(0, 2, channels, dtype=np.uint8)
    scale, bias = rng.standard_normal((2, channels)).astype(np.float32)
    operation, tensors = {
        "integers": ("binary_conv2d_i32", ()),
        "bits": ("binary_conv2d_bits", (threshold, flip)),
        "floats": ("binary_conv2d_f32", (scale, bias)),
    }[to]
    program = one_step("bits", (1, 1, inputs), isa, operation, filters, channels, Geometry((1, 1)), *tensors)
    if isa in {"avx2", "avx2_vnni", "avx512bw"}:
        assert program.steps()[-1].kernel == "streamed_binary_conv_2x32_avx2"
    (out,) = program.run(pack_pixels(source))
    out = out.reshape(images, -1)
    if to == "bits":
        signs = np.where((dots < threshold) ^ flip.astype(bool), -1, 1)
        np.testing.assert_array_equal(unpack_pixels(out, channels), signs)
    else:
        expected = dots if to == "integers" else dots.astype(np.float32) * scale + bias
        np.testing.assert_array_equal(out, expected)
