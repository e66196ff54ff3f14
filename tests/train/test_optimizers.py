"""Optimizers and learning-rate schedules."""

import numpy as np
import pytest
import torch
from torch import nn

from xnorkit.train import OptimizerSpec, ScheduleSpec
from xnorkit.train.optimizers import make_optimizer, make_schedule, schedule_factor


@pytest.mark.parametrize(
    ("spec", "epoch", "factor"),
    [
        (ScheduleSpec("constant"), 7.5, 1.0),
        (ScheduleSpec("step", step_epochs=15), 14.99, 1.0),
        (ScheduleSpec("step", step_epochs=15), 15.0, 0.1),
        (ScheduleSpec("step", step_epochs=4, gamma=0.5), 8.0, 0.25),
        (ScheduleSpec("cosine"), 0.0, 1.0),
        (ScheduleSpec("cosine"), 10.0, 0.5),
        (ScheduleSpec("cosine"), 20.0, 0.0),
        (ScheduleSpec("cosine"), 21.0, 0.0),
        (ScheduleSpec("cosine", warmup_epochs=4.0), 1.0, 0.25),
        (ScheduleSpec("cosine", warmup_epochs=4.0), 12.0, 0.5),
        (ScheduleSpec("constant", warmup_epochs=2.0), 0.0, 0.0),
        (ScheduleSpec("linear"), 5.0, 0.75),
        (ScheduleSpec("linear", warmup_epochs=4.0), 12.0, 0.5),
        (ScheduleSpec("linear"), 21.0, 0.0),
        (ScheduleSpec("milestones", milestones=[4, 12], gamma=0.5), 3.99, 1.0),
        (ScheduleSpec("milestones", milestones=[4, 12], gamma=0.5), 4.0, 0.5),
        (ScheduleSpec("milestones", milestones=[4, 12], gamma=0.5), 19.0, 0.25),
    ],
)
def test_factor(spec: ScheduleSpec, epoch: float, factor: float) -> None:
    assert schedule_factor(spec, epoch, epochs=20) == pytest.approx(factor, abs=1e-15)


def test_schedule_counts_steps() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = make_schedule(ScheduleSpec("step", step_epochs=1), optimizer, epochs=3, steps_per_epoch=2)
    rates = []
    for _ in range(5):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([2, 2, 0.2, 0.2, 0.02])


def cycle(spec: ScheduleSpec, steps: int, lr: float = 2.0) -> list[float]:
    """The learning rate before each step and after the last."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    schedule = make_schedule(spec, optimizer, epochs=1, steps_per_epoch=steps)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps):
        optimizer.step()
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def test_one_cycle() -> None:
    line = ScheduleSpec("one-cycle", warmup_share=0.25, start_factor=0.2, final_factor=0.07, anneal="linear")
    expected = 2.0 * np.interp(np.arange(41), [0, 10, 40], [0.2, 1, 0.07])
    np.testing.assert_allclose(cycle(line, 40), expected, rtol=1e-12)
    cosine = cycle(ScheduleSpec("one-cycle", warmup_share=0.25, start_factor=0.2), 40)
    up = 0.2 + 0.8 * (1 - np.cos(np.pi * np.arange(10) / 10)) / 2
    down = (1 + np.cos(np.pi * np.arange(31) / 30)) / 2
    np.testing.assert_allclose(cosine, 2.0 * np.concatenate((up, down)), atol=1e-12)


@pytest.mark.parametrize(("steps", "share"), [(1, 0.5), (1, 0.999), (2, 0.5), (3, 1e-9), (7, 1 / 7)])
def test_short_cycles(steps: int, share: float) -> None:
    rates = cycle(ScheduleSpec("one-cycle", warmup_share=share, start_factor=0.5), steps, lr=1.0)
    assert rates[0] == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert all(0 <= rate <= 1 for rate in rates)


def test_one_cycle_goes_on_and_on_longer() -> None:
    """A schedule from the state of another equals it; for a longer run it has the rates of the longer cycle."""
    spec = ScheduleSpec("one-cycle")
    for length in (40, 60):
        first = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
        before = make_schedule(spec, first, 1, 40)
        for _ in range(20):
            first.step()
            before.step()
        second = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
        after = make_schedule(spec, second, 1, length)
        second.load_state_dict(first.state_dict())
        after.load_state_dict(before.state_dict())
        for step in range(21, length + 1):
            second.step()
            after.step()
            assert second.param_groups[0]["lr"] == cycle(spec, length)[step]


def test_one_cycle_of_several_groups() -> None:
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (1.0, 64.0)]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    make_schedule(ScheduleSpec("one-cycle", start_factor=0.25), optimizer, 1, 4)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 16.0]


@pytest.mark.parametrize(("name", "kind"), [("adam", "Adam"), ("adamw", "AdamW"), ("sgd", "SGD")])
def test_optimizers(name: str, kind: str) -> None:
    optimizer = make_optimizer(OptimizerSpec(name, lr=0.5, weight_decay=0.25), [nn.Parameter(torch.zeros(1))])
    assert type(optimizer).__name__ == kind
    group = optimizer.param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.5, 0.25)
    assert group.get("momentum", 0.9) == 0.9


def test_nesterov() -> None:
    spec = OptimizerSpec("sgd", lr=0.1, momentum=0.9, nesterov=True)
    assert make_optimizer(spec, [nn.Parameter(torch.zeros(1))]).param_groups[0]["nesterov"]
