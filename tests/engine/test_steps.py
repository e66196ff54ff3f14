"""Steps of a program: what is joined, where it lives, how long it takes."""

import numpy as np
import pytest
from engine_data import Geometry, Program, pack_filters, random_signs

from xnorkit import _engine

SAME = Geometry((3, 3), padding=(1, 1, 1, 1))


def bi_real_block(isa, outputs, fuse=True, channels=64):
    """y = prelu(conv(sign(x)) * scale + bias + x + shift) and the bits that the next block reads."""
    rng = np.random.default_rng(7)
    vector = lambda: rng.standard_normal(channels).astype(np.float32)  # noqa: E731
    filters = pack_filters(random_signs(rng, channels, 3, 3, channels))
    program = Program("f32", 8, 9, channels, isa)
    bits = program.pack(0, vector(), np.zeros(channels, np.uint8))
    conv = program.binary_conv2d_f32(bits, filters, channels, SAME, vector(), vector())
    total = program.add("add", [0, conv])
    y = program.prelu(program.affine(total, None, vector()), vector())
    next_bits = program.pack(y, vector(), np.ones(channels, np.uint8))
    pooled = program.global_avg_pool(y)
    names = {"y": y, "conv": conv, "bits": next_bits, "pooled": pooled}
    program.finish([names[name] for name in outputs], fuse)
    return program


def operations(program):
    return [step.operations for step in program.steps()]


def test_a_block_is_one_step_with_floats_and_bits():
    program = bi_real_block("portable", ["pooled", "bits"])
    joined = ["binary_conv2d", "add", "affine", "prelu", "pack"]
    assert operations(program) == [["pack"], joined, ["global_avg_pool"]]
    step = program.steps()[1]
    assert step.shape == ("f32", 8, 9, 64)
    assert step.macs == (8 * 3 - 2) * (9 * 3 - 2) * 64 * 64


def test_a_value_that_is_returned_is_not_joined_away():
    program = bi_real_block("portable", ["conv", "bits"])
    assert operations(program) == [["pack"], ["binary_conv2d"], ["add", "affine", "prelu", "pack"]]
    assert len(operations(bi_real_block("portable", ["pooled", "bits"], fuse=False))) == 7


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("outputs", [["y"], ["pooled", "bits"], ["conv", "y", "bits"]])
def test_fused_equals_unfused(isa, outputs):
    x = np.random.default_rng(8).standard_normal((3, 8, 9, 64)).astype(np.float32)
    expected = bi_real_block("reference", outputs, fuse=False).run(x)
    for fuse in (False, True):
        for got, wanted in zip(bi_real_block(isa, outputs, fuse).run(x), expected, strict=True):
            np.testing.assert_array_equal(got.view(np.uint32), wanted.view(np.uint32))


def test_pointwise_values_replace_each_other_in_memory():
    """Unfused, a chain of four pointwise operations needs one buffer beside the bits."""
    program = bi_real_block("portable", ["pooled"], fuse=False)
    assert program.arena_bytes == 8 * 9 * (64 * 4 + 2 * 4)


@pytest.mark.parametrize("fuse", [True, False])
def test_profile_names_every_step_and_the_reading_of_images(fuse):
    """A pack that alone reads the images reads them as the caller has them: value 0 takes no memory."""
    program = Program("image", 16, 16, 3, "portable")
    bits = program.pack(0, np.zeros(3, np.float32), np.zeros(3, np.uint8))
    pooled = program.max_pool_bits(bits, Geometry((2, 2), (2, 2)), np.zeros(3, np.uint8))
    program.finish([pooled], fuse)
    reading = [["input", "pack"]] if fuse else [["input"], ["pack"]]
    assert operations(program) == [*reading, ["max_pool_bits"]]
    assert program.arena_bytes == 16 * 16 * (1 if fuse else 1 + 3) * 4
    times = program.profile(np.zeros((5, 3, 16, 16), np.float32), repeats=3, threads=2)
    assert len(times) == len(operations(program))
    assert all(0 < time < 1e6 for time in times)
    with pytest.raises(ValueError, match="profile: repeats is 0"):
        program.profile(np.zeros((1, 3, 16, 16), np.float32), repeats=0)


def test_steps_need_a_finished_program():
    with pytest.raises(ValueError, match="steps: the program is not finished"):
        Program("bits", 1, 1, 1).steps()
