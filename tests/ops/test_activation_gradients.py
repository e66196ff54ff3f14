"""Forward and gradient of each activation binarizer against the formulas, written in NumPy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from ops_cases import INPUTS, build, conv, image
from torch import Tensor, nn

from xnorkit import ops
from xnorkit.errors import InputError

Array = NDArray[np.float64]


def np_sign(x: Array) -> Array:
    return np.where(x >= 0, 1.0, -1.0)


def inside(x: Array, clip: float = 1.0) -> Array:
    return (np.abs(x) < clip).astype(float)


def triangle(x: Array) -> Array:
    return np.maximum(0, 2 - 2 * np.abs(x))


def tanh_slope(x: Array, t: float, k: float = 1.0) -> Array:
    return k * t * (1 - np.tanh(t * x) ** 2)


def swish_slope(x: Array, b: float) -> Array:
    return b * (2 - b * x * np.tanh(b * x / 2)) / (1 + np.cosh(b * x))


def round_even(x: Array) -> Array:
    return np.array([round(v) for v in x.ravel()]).reshape(x.shape)


def channel_mean(x: Array) -> Array:
    return np.abs(x).mean((0, 2, 3), keepdims=True)


# factory, forward(x), slope(x): dC/dx = g * slope.
Formula = Callable[[Array], Array]
ELEMENTWISE: dict[str, tuple[Callable[[nn.Module], nn.Module], Formula, Formula]] = {
    "basic": (lambda _: ops.BasicInputBinarizer(), np_sign, inside),
    "basic-clip": (lambda _: ops.BasicInputBinarizer(clip=0.3), np_sign, lambda x: inside(x, 0.3)),
    "basic-unclipped": (lambda _: ops.BasicInputBinarizer(clip=None), np_sign, np.ones_like),
    "approx": (lambda _: ops.ApproxSignBinarizer(), np_sign, triangle),
    "recu": (lambda _: ops.ReCUInputBinarizer(), np_sign, triangle),
    "swish": (lambda _: ops.SwishSignBinarizer(), np_sign, lambda x: swish_slope(x, 5)),
    "swish-2": (lambda _: ops.SwishSignBinarizer(beta=2.0), np_sign, lambda x: swish_slope(x, 2)),
    "advanced": (lambda _: ops.AdvancedInputBinarizer(), np_sign, lambda x: tanh_slope(x, 5)),
    "advanced-sine": (
        lambda _: ops.AdvancedInputBinarizer(derivative_funct=torch.sin, t=2),
        np_sign,
        lambda x: 2 * np.cos(2 * x),
    ),
    "advanced-noisy-eval": (
        lambda _: ops.AdvancedNoisyInputBinarizer(t=3).eval(),
        np_sign,
        lambda x: tanh_slope(x, 3),
    ),
    "stochastic-eval": (lambda _: ops.StochasticInputBinarizer().eval(), np_sign, inside),
    "ede-start": (lambda _: ops.EDEInputBinarizer(), np_sign, lambda x: tanh_slope(x, 0.1, 10)),
    "heaviside": (lambda _: ops.SteHeavisideBinarizer(), lambda x: (x > 0) * 1.0, inside),
    "dorefa-1": (
        lambda _: ops.DoReFaActivation(bits=1),
        lambda x: round_even(np.clip(x, 0, 1)),
        lambda x: ((x >= 0) & (x <= 1)) * 1.0,
    ),
    "dorefa-3": (
        lambda _: ops.DoReFaActivation(bits=3),
        lambda x: round_even(7 * np.clip(x, 0, 1)) / 7,
        lambda x: ((x >= 0) & (x <= 1)) * 1.0,
    ),
    "ternary": (
        lambda _: ops.TernaryInputBinarizer(threshold=0.4, clip=0.9),
        lambda x: np.where(x > 0.4, 1.0, np.where(x < -0.4, -1.0, 0.0)),
        lambda x: inside(x, 0.9),
    ),
    "ternary-twn": (
        lambda _: ops.TernaryInputBinarizer(ternary_weight_networks=True),
        lambda x: np.where(np.abs(x) > 0.7 * np.abs(x).mean(), np.sign(x), 0.0),
        inside,
    ),
    "magnitude": (
        ops.MagnitudeAwareSignBinarizer,
        lambda x: channel_mean(x) * np_sign(x),
        lambda x: channel_mean(x) * inside(x),
    ),
    "noop": (lambda _: ops.NoOp(), lambda x: x, np.ones_like),
    "rsign": (ops.InputBiasBinarizer, np_sign, triangle),
    "rsign-ste": (ops.InputBiasBinarizer.with_args(gradient="ste"), np_sign, inside),
    "adabin": (lambda _: ops.AdaBinInputBinarizer(), np_sign, triangle),
}


def numbers() -> tuple[Tensor, Tensor]:
    x = image(2, 4, 5, 5, seed=1, dtype=torch.float64)
    return x.requires_grad_(), image(2, 4, 5, 5, seed=2, dtype=torch.float64)


def test_every_activation_binarizer_has_a_case() -> None:
    cases = {type(make(conv())).__name__ for make, _, _ in ELEMENTWISE.values()}
    assert cases == set(INPUTS)


@pytest.mark.parametrize("case", ELEMENTWISE)
def test_forward_and_gradient(case: str) -> None:
    make, forward, slope = ELEMENTWISE[case]
    x, g = numbers()
    module = make(conv()).double()
    y = module(x)
    y.backward(g)
    assert x.grad is not None
    numpy = x.detach().numpy()
    np.testing.assert_allclose(y.detach().numpy(), forward(numpy), rtol=1e-13, atol=0)
    np.testing.assert_allclose(
        x.grad.numpy(), g.numpy() * slope(numpy), rtol=1e-6 if "ede" in case else 1e-10, atol=1e-14
    )


@pytest.mark.parametrize(
    ("module", "x", "y", "slope"),
    [
        (ops.BasicInputBinarizer(clip=0.5), [-0.5, 0.0, 0.25, 0.5], [-1, 1, 1, 1], [0, 1, 1, 0]),
        (ops.SteHeavisideBinarizer(clip=0.5), [-0.5, 0.0, 0.25, 0.5], [0, 0, 1, 1], [0, 1, 1, 0]),
        (ops.TernaryInputBinarizer(0.25), [-1, -0.5, -0.25, 0.25, 0.5, 1], [-1, -1, 0, 0, 1, 1], [0, 1, 1, 1, 1, 0]),
        (ops.DoReFaActivation(2), [-0.25, 0.0, 0.5, 1.0, 1.25], [0, 0, 2 / 3, 1, 1], [0, 1, 1, 1, 0]),
        (ops.ApproxSignBinarizer(), [-1.0, -0.5, 0.0, 1.0], [-1, -1, 1, 1], [0, 1, 2, 0]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_borders(module: nn.Module, x: list[float], y: list[float], slope: list[float]) -> None:
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    value = module(leaf)
    value.sum().backward()
    assert leaf.grad is not None
    assert value.tolist() == pytest.approx(y)
    assert leaf.grad.tolist() == slope


@pytest.mark.parametrize("name", INPUTS)
def test_bit_reason_tells_the_truth(name: str) -> None:
    layer = conv()
    module = build(getattr(ops, name), layer).eval()
    for parameter in module.parameters():  # as if trained
        nn.init.uniform_(parameter, 0.3, 0.6)
    y = module(image())
    values = {0.0, 1.0} if module.zero_one else {-1.0, 1.0}
    assert (module.bit_reason is None) == (set(y.unique().tolist()) == values)


SIGNS = [
    n for n in INPUTS if getattr(ops, n).bit_reason is None and n not in ("DoReFaActivation", "SteHeavisideBinarizer")
]


@pytest.mark.parametrize("name", SIGNS)
def test_zero_is_positive_in_evaluation(name: str) -> None:
    module = build(getattr(ops, name), conv()).eval()
    assert module(torch.tensor([0.0, -0.0]).repeat(1, 4, 1, 1)).tolist() == [[[[1.0, 1.0]]] * 4]


@pytest.mark.parametrize("gradient", ["approx", "ste"])
@pytest.mark.parametrize("layer", [conv(), nn.Linear(5, 3), nn.Conv1d(4, 2, 3), nn.Conv3d(4, 2, 1)], ids=str)
def test_rsign_shifts_each_channel(layer: nn.Module, gradient: str) -> None:
    module = ops.InputBiasBinarizer(layer, gradient=gradient).double()
    shapes = {"Conv2d": (2, 4, 5, 5), "Linear": (3, 2, 5), "Conv1d": (2, 4, 6), "Conv3d": (2, 4, 2, 3, 2)}
    x = image(*shapes[type(layer).__name__], dtype=torch.float64).requires_grad_()
    axis = {"Linear": x.dim() - 1}.get(type(layer).__name__, 1)
    channels = x.shape[axis]
    nn.init.normal_(module.bias, generator=torch.Generator().manual_seed(3))
    g = torch.randn(x.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    y = module(x)
    y.backward(g)
    shape = [channels if i == axis else 1 for i in range(x.dim())]
    u = x.detach().numpy() + module.bias.detach().numpy().reshape(shape)
    through = g.numpy() * (triangle(u) if gradient == "approx" else inside(u))
    assert x.grad is not None
    assert module.bias.grad is not None
    np.testing.assert_array_equal(y.detach().numpy(), np_sign(u))
    np.testing.assert_allclose(x.grad.numpy(), through, rtol=1e-12)
    others = tuple(i for i in range(x.dim()) if i != axis)
    np.testing.assert_allclose(module.bias.grad.numpy().ravel(), through.sum(others), rtol=1e-12)


def test_adabin_parameters() -> None:
    x, g = numbers()
    module = ops.AdaBinInputBinarizer().double()
    alpha, beta = 0.7, -0.25
    nn.init.constant_(module.alpha, alpha)
    nn.init.constant_(module.beta, beta)
    y = module(x)
    y.backward(g)
    u, upstream = (x.detach().numpy() - beta) / alpha, g.numpy()
    np.testing.assert_allclose(y.detach().numpy(), np.where(u >= 0, beta + alpha, beta - alpha), rtol=1e-14)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), upstream * triangle(u), rtol=1e-10, atol=1e-15)
    assert math.isclose(module.alpha.grad.item(), (upstream * (np_sign(u) - u * triangle(u))).sum(), rel_tol=1e-10)
    assert math.isclose(module.beta.grad.item(), (upstream * (1 - triangle(u))).sum(), rel_tol=1e-10)


def test_stochastic_draws_with_the_stated_probability() -> None:
    torch.manual_seed(0)
    module, draws = ops.StochasticInputBinarizer(), 40_000
    for value in (-1.5, -0.6, 0.0, 0.3, 1.0, 2.0):
        x = torch.full((draws,), value, requires_grad=True)
        y = module(x)
        assert set(y.tolist()) <= {-1.0, 1.0}
        probability = min(max((value + 1) / 2, 0), 1)
        share = (y > 0).double().mean().item()
        assert abs(share - probability) <= 5 * math.sqrt(probability * (1 - probability) / draws)
        y.sum().backward()
        assert x.grad is not None
        assert (x.grad == float(abs(value) < 1)).all()


def test_noise_in_training_has_the_stated_size_and_gradient() -> None:
    x, g = numbers()
    module = ops.AdvancedNoisyInputBinarizer(t=2, noise=0.4).double()
    torch.manual_seed(3)
    y = module(x)
    y.backward(g)
    torch.manual_seed(3)
    numpy = x.detach().numpy()
    noise = torch.randn_like(x).detach().numpy() * (numpy.max() - numpy.min()) / 2
    u = numpy + 0.4 * noise
    np.testing.assert_array_equal(y.detach().numpy(), np_sign(u))
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), 0.6 * g.numpy() * tanh_slope(u, 2), rtol=1e-9, atol=1e-15)


def test_swish_gradient_neither_overflows_nor_is_nan() -> None:
    x = torch.tensor([-math.inf, -1e30, -200.0, 0.0, 200.0, 1e30, math.inf], requires_grad=True)
    ops.SwishSignBinarizer()(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist()[3] == 5
    assert x.grad.isfinite().all()
    assert (x.grad.abs()[[0, 1, 2, 4, 5, 6]] < 1e-20).all()


def test_magnitude_of_features_stands_in_the_last_dimension() -> None:
    x = image(2, 3, 5)
    y = ops.MagnitudeAwareSignBinarizer(nn.Linear(5, 2))(x)
    torch.testing.assert_close(y.abs(), x.abs().mean((0, 1)).expand_as(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ops.BasicInputBinarizer(clip=0), "clip=0, but it must be above 0"),
        (lambda: ops.SwishSignBinarizer(beta=-1), "beta=-1, but it must be above 0"),
        (lambda: ops.SteHeavisideBinarizer(clip=float("nan")), "clip=nan, but it must be above 0"),
        (lambda: ops.DoReFaActivation(bits=9), "bits=9, but it must be from 1 to 8"),
        (lambda: ops.TernaryInputBinarizer(threshold=-0.1), "threshold=-0.1, but it must be at least 0"),
        (lambda: ops.EDEInputBinarizer(t_min=0), "EDEInputBinarizer: t_min=0, but it must be above 0"),
        (lambda: ops.AdvancedInputBinarizer(t_end=-2), "AdvancedInputBinarizer: t_end=-2, but it must be above 0"),
        (lambda: ops.AdvancedNoisyInputBinarizer(noise=1.5), "noise=1.5, but it must be from 0 to 1"),
        (lambda: ops.InputBiasBinarizer(nn.ReLU()), "ReLU with neither in_channels nor in_features"),
        (
            lambda: ops.InputBiasBinarizer(conv(), gradient="exact"),
            "gradient='exact', but it must be 'approx' or 'ste'",
        ),
    ],
)
def test_wrong_arguments(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
