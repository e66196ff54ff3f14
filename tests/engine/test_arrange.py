from itertools import pairwise

import numpy as np
import pytest
from engine_data import Geometry, Program, one_step, pack_pixels, random_signs, unpack_pixels

from xnorkit import _engine

ISAS = _engine.isas()


def values(*shape):
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("channels", [(0, 0), (3, 0), (0, 2), (4, 5)])
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 2, 3, 0)])
def test_pad(isa, channels, padding):
    x = values(3, 4, 5, 6)
    top, left, bottom, right = padding
    (out,) = one_step("f32", (4, 5, 6), isa, "pad", padding, *channels).run(x, threads=2)
    np.testing.assert_array_equal(out, np.pad(x, ((0, 0), (top, bottom), (left, right), channels)))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("kind", ["f32", "bits"])
@pytest.mark.parametrize("widths", [(1, 1), (32, 32), (31, 2), (5, 40, 19, 64), (33, 31, 1), (70, 3)])
def test_concat_at_any_offset(isa, kind, widths):
    """Channels are taken apart and put together in another order."""
    rng = np.random.default_rng(widths)
    total = sum(widths)
    program = Program(kind, 3, 4, total, isa)
    starts = np.cumsum((0, *widths))
    parts = [np.arange(a, b, dtype=np.int32) for a, b in pairwise(starts)][::-1]
    program.finish([program.concat([program.gather_channels(0, part) for part in parts])])
    x = random_signs(rng, 17, 3, 4, total)
    expected = x[..., np.concatenate(parts)]
    (out,) = program.run(x if kind == "f32" else pack_pixels(x), threads=2)
    np.testing.assert_array_equal(out if kind == "f32" else unpack_pixels(out, total), expected)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("kind", ["f32", "bits"])
def test_gather_may_repeat_and_shuffle(isa, kind):
    x = random_signs(np.random.default_rng(1), 2, 3, 4, 70)
    index = np.random.default_rng(2).integers(0, 70, 99).astype(np.int32)
    (out,) = one_step(kind, (3, 4, 70), isa, "gather_channels", index).run(x if kind == "f32" else pack_pixels(x))
    np.testing.assert_array_equal(out if kind == "f32" else unpack_pixels(out, 99), x[..., index])


def test_errors():
    program = Program("f32", 4, 4, 6)
    bits = program.pack(0, np.zeros(6, np.float32), np.zeros(6, np.uint8))
    small = program.max_pool(0, Geometry((2, 2), (2, 2)))
    with pytest.raises(ValueError, match="concat: 'inputs' names 1 values, but it must name 2 to 1024"):
        program.concat([0])
    with pytest.raises(ValueError, match="concat: value 1 is bits, but it must be f32"):
        program.concat([0, bits])
    with pytest.raises(ValueError, match="concat: value 2 has 2 x 2 pixels, but it must have 4 x 4, as value 0 has"):
        program.concat([0, small])
    with pytest.raises(
        ValueError, match="gather_channels: tensor 'index' has 6 at flat index 1, but it must hold numbers from 0 to 5"
    ):
        program.gather_channels(0, np.array([0, 6], np.int32))
    with pytest.raises(ValueError, match="pad: padding of height is -1, but it must be at least 0"):
        program.pad(0, (-1, 0, 0, 0))
