"""Annealed binarizers: their value at each progress, in the gradient, in state_dict."""

import math

import pytest
import torch
from ops_cases import build, conv, image

from xnorkit import ops
from xnorkit.errors import InputError

ERROR_DECAY = ["AdaBinWeightBinarizer", "EDEInputBinarizer", "IRNetWeightBinarizer"]
ANNEALED = [*ERROR_DECAY, "AdvancedInputBinarizer", "AdvancedNoisyInputBinarizer", "ReCUWeightBinarizer"]


def test_no_annealed_binarizer_is_forgotten() -> None:
    found = {n for n in ops.__all__ if isinstance(c := getattr(ops, n), type) and issubclass(c, ops.Annealed)}
    assert found - {"Annealed", "ErrorDecay"} == set(ANNEALED)


@pytest.mark.parametrize("name", ERROR_DECAY)
def test_error_decay(name: str) -> None:
    module = build(getattr(ops, name), conv())
    assert (module.t.item(), module.k.item()) == pytest.approx((0.1, 10))
    for progress, t, k in [(0, 0.1, 10), (0.25, 10**-0.5, 10**0.5), (0.5, 1, 1), (0.75, 10**0.5, 1), (1, 10, 1)]:
        module.set_progress(progress)
        assert (module.t.item(), module.k.item()) == pytest.approx((t, k))


def test_recu_tau() -> None:
    module = ops.ReCUWeightBinarizer(conv())
    for progress in (0, 0.3, 1):
        module.set_progress(progress)
        expected = 0.85 + 0.14 * (math.exp(progress) - 1) / (math.e - 1)
        assert module.tau.item() == pytest.approx(expected)


def test_sharpness_of_tanh() -> None:
    module = ops.AdvancedInputBinarizer(t=2, t_end=18)
    for progress, t in [(0, 2), (0.5, 6), (1, 18)]:
        module.set_progress(progress)
        assert module.t.item() == pytest.approx(t)
    constant = ops.AdvancedInputBinarizer(t=5)
    constant.set_progress(0.7)
    assert constant.t.item() == 5


def test_progress_reaches_the_gradient() -> None:
    module, x = ops.EDEInputBinarizer(), image().requires_grad_()
    for progress in (0.0, 1.0):
        module.set_progress(progress)
        t, k = (0.1, 10) if progress == 0 else (10, 1)
        (dx,) = torch.autograd.grad(module(x).sum(), x)
        torch.testing.assert_close(dx, k * t * (1 - torch.tanh(t * x.detach()) ** 2), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ANNEALED)
def test_state_dict_keeps_the_progress(name: str) -> None:
    factory = getattr(ops, name)
    factory = factory.with_args(t_end=50.0) if name.startswith("Advanced") else factory
    module, fresh, untouched = (build(factory, conv()) for _ in range(3))
    module.set_progress(0.6)
    fresh.load_state_dict(module.state_dict())
    buffers = dict(module.named_buffers())
    assert buffers
    for key, value in fresh.named_buffers():
        assert torch.equal(value, buffers[key])
    assert any(not torch.equal(value, buffers[key]) for key, value in untouched.named_buffers())


@pytest.mark.parametrize("name", ANNEALED)
@pytest.mark.parametrize("fraction", [-0.01, 1.01, float("nan"), 30])
def test_progress_is_a_fraction(name: str, fraction: float) -> None:
    with pytest.raises(InputError, match=rf"{name}.set_progress\({fraction}\) must get a fraction"):
        build(getattr(ops, name), conv()).set_progress(fraction)
