import numpy as np
import pytest
import torch
from engine_data import Geometry, Program, one_step

from xnorkit import _engine
from xnorkit.format.operations import ACTIVATIONS

ISAS = _engine.isas()
SHAPE = (5, 6, 37)
WIDE = (1, 2, 2100)  # more channels than a strip holds


def values(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def run(isa, method, x, *arguments, threads=1):
    return one_step("f32", x.shape[1:], isa, method, *arguments).run(x, threads=threads)[0]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("shape", [SHAPE, WIDE, (1, 1, 1)])
@pytest.mark.parametrize("per_position", [False, True])
def test_affine_rounds_twice(isa, shape, per_position):
    x = values(3, *shape)
    parameters = shape if per_position else shape[-1:]
    scale, bias = values(*parameters, seed=1), values(*parameters, seed=2)
    np.testing.assert_array_equal(run(isa, "affine", x, scale, bias), x * scale + bias)
    np.testing.assert_array_equal(run(isa, "affine", x, scale, None), x * scale)
    np.testing.assert_array_equal(run(isa, "affine", x, None, bias), x + bias)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("shape", [SHAPE, WIDE])
def test_clip_and_prelu(isa, shape):
    x = values(3, *shape)
    x[0, 0, 0, :3] = [0.0, -0.0, 0.5]
    slope = values(shape[-1])
    for low, high in [(0.0, np.inf), (-0.5, 0.5), (-np.inf, 1.0)]:
        np.testing.assert_array_equal(run(isa, "clip", x, low, high), np.clip(x, np.float32(low), np.float32(high)))
    np.testing.assert_array_equal(run(isa, "prelu", x, slope), np.where(x >= 0, x, x * slope))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("shape", [SHAPE, WIDE])
@pytest.mark.parametrize("threads", [1, 2])
def test_two_values(isa, shape, threads):
    """The operands are made from the input: itself, its K map, and its global average."""
    x = values(17, *shape)
    point = Geometry((1, 1))
    program = Program("f32", *shape, isa)
    shifted = program.affine(0, None, np.ones(shape[-1], np.float32))
    pixel, channel = program.k_map(0, point), program.global_avg_pool(0)
    outputs = [program.add(op, [0, other]) for op in ("add", "multiply") for other in (shifted, pixel, channel)]
    program.finish([pixel, channel, *outputs])
    of_pixel, of_channel, *results = program.run(x, threads=threads)
    others = [x + np.float32(1), of_pixel, of_channel]
    expected = [x + other for other in others] + [x * other for other in others]
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, wanted)


def test_operands_must_fit():
    program = Program("f32", 4, 4, 6)
    small = program.max_pool(0, Geometry((2, 2), (2, 2)))
    with pytest.raises(
        ValueError, match=r"add: the second value is \(H, W, C\) = \(2, 2, 6\), but it must be \(4, 4, 6\)"
    ):
        program.add("add", [0, small])
    with pytest.raises(ValueError, match=r"clip: attribute 'min' is 2, but it must be at most 'max', 1\."):
        program.clip(0, 2.0, 1.0)
    with pytest.raises(ValueError, match="affine: tensors: there is neither 'scale' nor 'bias'"):
        program.affine(0, None, None)
    with pytest.raises(ValueError, match=r"prelu: tensor 'slope' has shape \(5,\), but it must be \(6,\)\."):
        program.prelu(0, np.zeros(5, np.float32))
    with pytest.raises(
        ValueError, match="activation: attribute 'function' is 'relu7', but it must be one of 'sigmoid'"
    ):
        program.activation(0, "relu7")


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations_are_those_of_torch(isa, function):
    x = values(2, *SHAPE) * 4
    wide = torch.tensor(x, dtype=torch.float64)
    torch_function = getattr(torch.nn.functional, function)
    expected = (torch_function(wide, dim=-1) if function == "softmax" else torch_function(wide)).numpy()
    out = run(isa, "activation", x, function)
    # One rounding, half of 2^-23. Softmax: x - max, of up to 24, is rounded first, 24 * 2^-24 in its exponential. The
    # hard functions round two or three times.
    bound = {"softmax": 2e-6, "hardsigmoid": 4e-7, "hardswish": 4e-7}.get(function, 6e-8)
    np.testing.assert_allclose(out, expected, rtol=bound, atol=4e-7 if function == "hardswish" else 1e-38)
