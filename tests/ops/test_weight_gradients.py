"""Forward and gradient of each weight binarizer against the formulas, written filter by filter in NumPy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from ops_cases import WEIGHTS, build, conv, image
from torch import Tensor, nn

from xnorkit import ops
from xnorkit.errors import InputError
from xnorkit.functional import GRADIENT_RULES

Array = NDArray[np.float64]
Filter = Callable[[Array, Array], tuple[Array, Array]]  # (W, g) of one filter (C, ...) -> (W~, dC/dW)


def np_sign(x: Array) -> Array:
    return np.where(x >= 0, 1.0, -1.0)


def inside(x: Array, clip: float = 1.0) -> Array:
    return (np.abs(x) < clip).astype(float)


def scaled(rule: str) -> Filter:
    def one(w: Array, g: Array) -> tuple[Array, Array]:
        s, n, alpha = np_sign(w), w.size, np.abs(w).sum() / w.size
        exact = s * (g * s).sum() / n + alpha * g * inside(w)
        gradient = {
            "exact": exact,
            "ste": alpha * g * inside(w),
            "paper": g * (1 / n + alpha * inside(w)),
            "xnor-net-pytorch": n * (1 - 1 / len(w)) * exact,
        }[rule]
        return alpha * s, gradient

    return one


def centred(one: Filter) -> Filter:
    def with_mean(w: Array, g: Array) -> tuple[Array, Array]:
        value, gradient = one(w - w.mean(0, keepdims=True), g)
        return value, gradient - gradient.mean(0, keepdims=True)

    return with_mean


def plain(clip: float = 1.0, scale: float = 1.0) -> Filter:
    return lambda w, g: (scale * np_sign(w), scale * g * inside(w, clip))


def magnitude(clip: float) -> Filter:
    return lambda w, g: (np.abs(w).mean() * np_sign(w), np.abs(w).mean() * g * inside(w, clip))


def through_standardization(w: Array, q: Array) -> Array:
    """dC/dW for q = dC/dv, v = (W - mean)/std, as the product with the whole Jacobian."""
    n, flat, std = w.size, w.ravel(), w.std(ddof=1)
    v = (flat - flat.mean()) / std
    jacobian = (np.eye(n) - 1 / n - np.outer(v, v) / (n - 1)) / std
    return (jacobian.T @ q.ravel()).reshape(w.shape)


def irnet(t: float, k: float) -> Filter:
    def one(w: Array, g: Array) -> tuple[Array, Array]:
        v = (w - w.mean()) / w.std(ddof=1)
        scale = 2.0 ** round(math.log2(np.abs(v).mean()))
        return scale * np_sign(v), through_standardization(w, scale * g * k * t * (1 - np.tanh(t * v) ** 2))

    return one


def adabin(t: float, k: float) -> Filter:
    def one(w: Array, g: Array) -> tuple[Array, Array]:
        n, beta, alpha = w.size, w.mean(), w.std()
        v = ((w - beta) / alpha).ravel()
        s, h, flat = np_sign(v), k * t * (1 - np.tanh(t * v) ** 2), g.ravel()
        # dw~_j/dW_i = 1(i = j) h_j + (1 - h_j) dbeta/dW_i + (s_j - v_j h_j) dalpha/dW_i
        jacobian = np.diag(h) + np.outer(1 - h, np.full(n, 1 / n)) + np.outer(s - v * h, v / n)
        return (beta + alpha * s).reshape(w.shape), (jacobian.T @ flat).reshape(w.shape)

    return one


CASES: dict[str, tuple[Callable[[nn.Module], nn.Module], Filter]] = {
    **{
        f"xnor-{rule}": (lambda _, rule=rule: ops.XNORWeightBinarizer(gradient=rule), scaled(rule))
        for rule in GRADIENT_RULES
        if rule != "xnor-net-pytorch"  # its mask is |W| <= 1, equal here, as no weight is exactly 1
    },
    "xnor-net-pytorch": (
        lambda _: ops.XNORWeightBinarizer(gradient="xnor-net-pytorch"),
        scaled("xnor-net-pytorch"),
    ),
    "xnor-centred": (lambda _: ops.XNORWeightBinarizer(center_weights=True), centred(scaled("exact"))),
    "xnor-no-alpha": (lambda _: ops.XNORWeightBinarizer(compute_alpha=False), plain()),
    "xnor-no-alpha-centred": (
        lambda _: ops.XNORWeightBinarizer(compute_alpha=False, center_weights=True),
        centred(plain()),
    ),
    "bwn": (lambda _: ops.BWNWeightBinarizer(), scaled("exact")),
    "bwn-paper": (lambda _: ops.BWNWeightBinarizer(gradient="paper"), scaled("paper")),
    "sign": (lambda _: ops.SignWeightBinarizer(), plain()),
    "sign-clip": (lambda _: ops.SignWeightBinarizer(clip=0.5), plain(0.5)),
    "magnitude": (lambda _: ops.MagnitudeAwareWeightBinarizer(), magnitude(1)),
    "magnitude-unclipped": (lambda _: ops.MagnitudeAwareWeightBinarizer(clip=None), magnitude(math.inf)),
    "irnet": (lambda _: ops.IRNetWeightBinarizer(t_min=1.5), irnet(1.5, 1)),
    "irnet-wide": (lambda _: ops.IRNetWeightBinarizer(t_min=0.5), irnet(0.5, 2)),
    "adabin": (lambda _: ops.AdaBinWeightBinarizer(t_min=2.5), adabin(2.5, 1)),
    "adabin-wide": (lambda _: ops.AdaBinWeightBinarizer(t_min=0.25), adabin(0.25, 4)),
}
WITH_LEARNED_SCALE = {"LearnableScaleWeightBinarizer", "ReCUWeightBinarizer"}


def numbers(*shape: int) -> tuple[Tensor, Tensor]:
    shape = shape or (6, 4, 3, 3)
    return image(*shape, seed=1, dtype=torch.float64).requires_grad_(), image(*shape, seed=2, dtype=torch.float64)


def test_every_weight_binarizer_has_a_case() -> None:
    assert {type(make(conv())).__name__ for make, _ in CASES.values()} | WITH_LEARNED_SCALE == set(WEIGHTS)


@pytest.mark.parametrize("shape", [(6, 4, 3, 3), (3, 7), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_forward_and_gradient(case: str, shape: tuple[int, ...]) -> None:
    make, one = CASES[case]
    w, g = numbers(*shape)
    module = make(conv()).double()
    y = module(w)
    y.backward(g)
    assert w.grad is not None
    for o in range(shape[0]):
        value, gradient = one(w[o].detach().numpy(), g[o].numpy())
        np.testing.assert_allclose(y[o].detach().numpy(), value, rtol=1e-12)
        np.testing.assert_allclose(w.grad[o].numpy(), gradient, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", WEIGHTS)
def test_factors_multiply_to_the_weight_with_its_gradient(name: str) -> None:
    layer = conv()
    module = build(getattr(ops, name), layer).double()
    assert isinstance(module, ops.ScaledSignBinarizer) == (module.bit_reason is None)
    if not isinstance(module, ops.ScaledSignBinarizer):
        return
    w, g = numbers()
    module(w).backward(g)
    v = w.detach().clone().requires_grad_()
    b, scale = module.factors(v)
    assert set(b.detach().unique().tolist()) == {-1.0, 1.0}
    assert scale is None or scale.shape == (6,)
    (b if scale is None else b * scale[:, None, None, None]).backward(g)
    torch.testing.assert_close(w.grad, v.grad)


def test_learnable_scale() -> None:
    layer = conv()
    module = ops.LearnableScaleWeightBinarizer(layer).double()
    np.testing.assert_allclose(
        module.alpha.detach().numpy(), np.abs(layer.weight.detach().numpy()).reshape(6, -1).mean(1), rtol=1e-6
    )
    nn.init.uniform_(module.alpha, 0.2, 0.9)
    w, g = numbers()
    y = module(w)
    y.backward(g)
    assert w.grad is not None
    assert module.alpha.grad is not None
    for o, alpha in enumerate(module.alpha.tolist()):
        value, gradient = plain(scale=alpha)(w[o].detach().numpy(), g[o].numpy())
        np.testing.assert_allclose(y[o].detach().numpy(), value, rtol=1e-14)
        np.testing.assert_allclose(w.grad[o].numpy(), gradient, rtol=1e-12)
        expected = (g[o].numpy() * np_sign(w[o].detach().numpy())).sum()
        assert math.isclose(module.alpha.grad[o].item(), expected, rel_tol=1e-10)


@pytest.mark.parametrize("tau", [0.6, 0.9])
def test_recu(tau: float) -> None:
    module = ops.ReCUWeightBinarizer(conv(), tau_min=tau).double()
    module.tau.fill_(tau)  # in float64
    nn.init.uniform_(module.alpha, 0.2, 0.9)
    w, g = numbers()
    y = module(w)
    y.backward(g)
    numpy, upstream = w.detach().numpy(), g.numpy()
    v = np.stack([2 * math.sqrt(2) * (f - f.mean()) / f.std(ddof=1) for f in numpy])
    bound = -np.abs(v).mean() * math.log(2 - 2 * tau)
    assert 0.02 < (np.abs(v) > bound).mean() < 0.98
    assert w.grad is not None
    assert module.alpha.grad is not None
    for o, alpha in enumerate(module.alpha.tolist()):
        q = 2 * math.sqrt(2) * alpha * upstream[o] * (np.abs(v[o]) <= bound)
        np.testing.assert_array_equal(y[o].detach().numpy(), alpha * np_sign(v[o]))
        np.testing.assert_allclose(w.grad[o].numpy(), through_standardization(numpy[o], q), rtol=1e-9, atol=1e-13)
        assert math.isclose(module.alpha.grad[o].item(), (upstream[o] * np_sign(v[o])).sum(), rel_tol=1e-10)


@pytest.mark.parametrize("name", ["IRNetWeightBinarizer", "ReCUWeightBinarizer", "AdaBinWeightBinarizer"])
def test_constant_filters_stay_finite_and_single_weights_are_refused(name: str) -> None:
    module = build(getattr(ops, name), conv())
    w = torch.full((6, 4, 3, 3), 0.25, requires_grad=True)
    module(w).sum().backward()
    assert w.grad is not None
    assert w.grad.isfinite().all()
    with pytest.raises(InputError, match=r"\(3, 1, 1, 1\), but a filter must have at least 2 weights"):
        module(torch.ones(3, 1, 1, 1))


def test_transposed_layers_start_at_one_scale_for_all_channels() -> None:
    layer = nn.ConvTranspose2d(4, 6, 3)
    alpha = ops.LearnableScaleWeightBinarizer(layer).alpha
    torch.testing.assert_close(alpha.detach(), layer.weight.detach().abs().mean().expand(6))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ops.XNORWeightBinarizer(gradient="true"), "gradient='true', but it must be one of exact, ste"),
        (lambda: ops.XNORWeightBinarizer(False, gradient="ste"), "needs compute_alpha=True"),
        (lambda: ops.ReCUWeightBinarizer(conv(), tau_max=1.0), "tau_max=1.0, but it must be above 0.5 and below 1"),
        (lambda: ops.SignWeightBinarizer(clip=-1), "clip=-1, but it must be above 0"),
        (lambda: ops.LearnableScaleWeightBinarizer(nn.Identity()), "neither out_channels nor out_features"),
        (lambda: ops.XNORWeightBinarizer(center_weights=True)(torch.ones(2, 1, 3)), "C_in of at least 2"),
    ],
)
def test_wrong_arguments(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
