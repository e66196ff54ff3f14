"""Bop against its rule, written with NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from xnorkit.errors import InputError
from xnorkit.functional import sign
from xnorkit.optim import Bop


@pytest.mark.parametrize("threshold", [0.0, 0.02, 1e3])
def test_follows_the_rule(threshold: float) -> None:
    rng = np.random.default_rng(0)
    w = rng.standard_normal((4, 30)).astype(np.float32)
    parameter = nn.Parameter(torch.tensor(w))
    optimizer = Bop([parameter], threshold=threshold, gamma=0.1)
    m = np.zeros_like(w)
    flips = 0
    for _ in range(20):
        g = (rng.standard_normal(w.shape) * 0.1).astype(np.float32)
        parameter.grad = torch.tensor(g)
        optimizer.step()
        m = m + np.float32(0.1) * (g - m)
        flip = (np.abs(m) >= threshold) & (np.sign(m) == np.sign(w))
        w = np.where(flip, -w, w)
        flips += int(flip.sum())
        np.testing.assert_array_equal(parameter.detach().numpy(), w)
    assert (flips > 0) == (threshold < 1)


def test_descends() -> None:
    torch.manual_seed(0)
    target = sign(torch.randn(50))
    w = nn.Parameter(torch.randn(50) * 0.1)
    magnitudes = w.detach().abs()
    optimizer = Bop([w], threshold=1e-3, gamma=0.5)
    for _ in range(10):
        w.grad = sign(w.detach()) - target
        optimizer.step()
    assert torch.equal(sign(w.detach()), target)
    assert torch.equal(w.detach().abs(), magnitudes)


def test_zero_weight_and_zero_gradient() -> None:
    w = nn.Parameter(torch.tensor([0.0, -0.0, 0.5]))
    w.grad = torch.tensor([1.0, 1.0, 0.0])
    Bop([w], threshold=0.0, gamma=1.0).step()
    assert sign(w.detach()).tolist() == [-1, -1, 1]
    w.grad = torch.tensor([-1.0, 1.0, 0.0])
    Bop([w], threshold=0.0, gamma=1.0).step()
    assert sign(w.detach()).tolist() == [1, -1, 1]


def test_closure_schedule_and_state() -> None:
    w = nn.Parameter(torch.ones(3))
    optimizer = Bop([w], gamma=0.5)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (w * torch.tensor([1.0, -1.0, 0.0])).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).detach() == 0
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert w.tolist() == [-1, 1, 1]
    other = Bop([w], gamma=0.1)
    other.load_state_dict(optimizer.state_dict())
    assert torch.equal(other.state[w]["average"], torch.tensor([0.5, -0.5, 0.0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"threshold": -1.0}, "threshold=-1.0"), ({"gamma": 0.0}, "gamma=0.0"), ({"gamma": 1.5}, "gamma=1.5")],
)
def test_wrong_values(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Bop([nn.Parameter(torch.ones(1))], **arguments)
