import numpy as np
import pytest
import torch
from engine_data import Geometry, Program, one_step
from torch.nn.functional import avg_pool2d, max_pool2d

from xnorkit import _engine

ISAS = _engine.isas()


def values(*shape):
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def nchw(x):
    return torch.tensor(x).permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1).numpy()


def run(isa, method, x, *arguments, threads=1):
    return one_step("f32", x.shape[1:], isa, method, *arguments).run(x, threads=threads)[0]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("channels", [1, 7, 64, 100])
@pytest.mark.parametrize("window", [(2, 2, 0, 1), (3, 2, 1, 1), (3, 1, 1, 2)])
def test_max_pool(isa, channels, window):
    kernel, stride, padding, dilation = window
    x = values(3, 9, 10, channels)
    geometry = Geometry((kernel, kernel), (stride, stride), (padding,) * 4, (dilation, dilation))
    expected = nhwc(max_pool2d(nchw(x), kernel, stride, padding, dilation))
    np.testing.assert_array_equal(run(isa, "max_pool", x, geometry, threads=2), expected)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("include_pad", [False, True])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (3, 1, 1), (3, 3, 0), (4, 3, 2)])
def test_avg_pool(isa, include_pad, ceil_mode, window):
    kernel, stride, padding = window
    x = values(3, 8, 9, 20)
    geometry = Geometry((kernel, kernel), (stride, stride), (padding,) * 4)
    expected = nhwc(avg_pool2d(nchw(x), kernel, stride, padding, ceil_mode, include_pad))
    out = run(isa, "avg_pool", x, geometry, ceil_mode, include_pad, threads=2)
    assert out.shape == expected.shape
    # torch may sum in vectors; the order is stated for the reference of the engine, which all instruction sets equal.
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-6)
    reference = run("reference", "avg_pool", x, geometry, ceil_mode, include_pad)
    np.testing.assert_array_equal(out.view(np.uint32), reference.view(np.uint32))


@pytest.mark.parametrize("isa", ISAS)
def test_avg_pool_of_integers_is_exact(isa):
    x = np.random.default_rng(1).integers(-99, 100, (2, 8, 8, 5)).astype(np.float32)
    out = run(isa, "avg_pool", x, Geometry((2, 4), (2, 4)))
    np.testing.assert_array_equal(out, nhwc(avg_pool2d(nchw(x), (2, 4))))
    np.testing.assert_array_equal(run(isa, "global_avg_pool", x), x.mean(axis=(1, 2), keepdims=True))


@pytest.mark.parametrize("isa", ISAS)
def test_global_avg_pool_sums_in_pixel_order(isa):
    x = values(3, 7, 7, 50)
    total = np.zeros((3, 1, 1, 50), np.float32)
    for pixel in range(49):
        total += x.reshape(3, 49, 50)[:, pixel].reshape(3, 1, 1, 50)
    np.testing.assert_array_equal(run(isa, "global_avg_pool", x), total / np.float32(49))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(1, 1, 0), (3, 1, 1), (3, 2, 1), (5, 2, 6)])
def test_k_map(isa, threads, kernel, stride, padding):
    x = values(5, 11, 13, 70)
    geometry = Geometry((kernel, kernel), (stride, stride), (padding,) * 4)
    mean = np.zeros((5, 11, 13), np.float32)
    for c in range(70):
        mean += np.abs(x[..., c])
    mean /= np.float32(70)
    padded = np.pad(mean, ((0, 0), (padding, padding), (padding, padding)))
    rows, columns = ((size + 2 * padding - kernel) // stride + 1 for size in (11, 13))
    down, right = (rows - 1) * stride + 1, (columns - 1) * stride + 1
    total = np.zeros((5, rows, columns), np.float32)
    for ky in range(kernel):
        for kx in range(kernel):
            total += padded[:, ky : ky + down : stride, kx : kx + right : stride]
    expected = (total / np.float32(kernel * kernel))[..., None]
    np.testing.assert_array_equal(run(isa, "k_map", x, geometry, threads=threads), expected)


@pytest.mark.parametrize("method", ["max_pool", "avg_pool"])
def test_padding_is_smaller_than_the_kernel(method):
    program = Program("f32", 4, 4, 1)
    with pytest.raises(
        ValueError, match=method + r": attribute 'padding' is \(2, 0, 0, 0\), but it must be less than the kernel"
    ):
        getattr(program, method)(0, Geometry((2, 2), padding=(2, 0, 0, 0)))


def test_dilation_is_max_pools_alone():
    program = Program("f32", 4, 4, 1)
    window = Geometry((2, 2), dilation=(2, 2)).attributes("dilation")
    with pytest.raises(ValueError, match="avg_pool: attributes: 'dilation' is unknown, but the keys must be "):
        program.add("avg_pool", [0], {**window, "ceil_mode": False, "count_include_pad": True})
    with pytest.raises(
        ValueError,
        match=r"max_pool: attribute 'dilation' is \(5, 1\), but it must be at most the size of the image, 4 x 4",
    ):
        program.max_pool(0, Geometry((2, 2), padding=(1, 1, 1, 1), dilation=(5, 1)))


LARGEST = 2**24
FAR = {"stride": (LARGEST, LARGEST), "padding": (LARGEST - 1,) * 4}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("method", "options"), [("max_pool", ()), ("avg_pool", (False, False)), ("k_map", ())])
def test_a_window_far_larger_than_the_image_costs_what_it_holds(method, options, threads):
    """Nothing is allocated for taps in the padding; of four windows each meets one corner."""
    image = np.random.default_rng(0).standard_normal((3, 8, 8, 4000), dtype=np.float32)
    geometry = Geometry((LARGEST, LARGEST), **FAR)
    program = one_step("f32", (8, 8, 4000), "", method, geometry, *options)
    (result,) = program.run(image, threads=threads)
    corner = {"max_pool": np.max, "avg_pool": np.mean}.get(method)
    assert result.shape[:3] == (3, 2, 2)
    if corner is not None:
        np.testing.assert_array_equal(result[:, 0, 0], image[:, 0, 0])
        np.testing.assert_allclose(result[:, 1, 1], corner(image[:, 1:, 1:], axis=(1, 2)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("isa", [isa for isa in _engine.isas() if isa != "reference"])
@pytest.mark.parametrize("size", [15, 16, 17, 23, 40])
@pytest.mark.parametrize(("method", "options"), [("max_pool", ()), ("avg_pool", (False, True)), ("k_map", ())])
def test_windows_of_many_taps_equal_the_reference(method, options, size, isa):
    """Taps are reduced in portions; -0 and a first tap that is the largest are kept over their borders."""
    rng = np.random.default_rng(size)
    image = rng.standard_normal((2, 45, 42, 19), dtype=np.float32)
    image[0] = -np.abs(image[0]) * (rng.random(image[0].shape) < 0.1)
    geometry = Geometry((size, size), (3, 2), (size // 2,) * 4)
    runs = [
        one_step("f32", (45, 42, 19), i, method, geometry, *options).run(image, threads=2)[0]
        for i in (isa, "reference")
    ]
    np.testing.assert_array_equal(runs[0].view(np.uint32), runs[1].view(np.uint32))
