"""Optimizers and learning-rate schedules."""

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
