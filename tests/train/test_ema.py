"""The moving average: its equation, what it copies, what is evaluated and kept."""

import pytest
import torch
from torch import nn

from xnorkit.train.averages import MovingAverage


def model(value: float) -> nn.Sequential:
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    nn.init.constant_(network[0].weight, value)
    return network


def test_equation() -> None:
    """d = min(0.9, (1 + t) / (10 + t)): 2/11 is of t = 1, whose value begins the average; then 3/12 and 4/13."""
    average, network = MovingAverage(0.9), model(1.0)
    expected = 1.0
    average.update(network)
    for step, value in ((2, -1.0), (3, 0.5)):
        nn.init.constant_(network[0].weight, value)
        average.update(network)
        decay = (1 + step) / (10 + step)
        expected = decay * expected + (1 - decay) * value
    assert average.average["0.weight"].item() == pytest.approx(expected, rel=1e-6)


def test_counts_and_named_weights_are_copied() -> None:
    average, network = MovingAverage(0.9), model(1.0)
    average.update(network)
    nn.init.constant_(network[0].weight, -1.0)
    network[1].num_batches_tracked.fill_(7)
    network[1].running_mean.fill_(1.0)
    average.update(network, copied=["0.weight"])
    assert average.average["0.weight"].item() == -1.0
    assert average.average["1.num_batches_tracked"].item() == 7
    assert average.average["1.running_mean"].item() == pytest.approx(1 - 3 / 12)


def test_enter_and_leave() -> None:
    average, network = MovingAverage(0.9), model(1.0)
    average.update(network)
    nn.init.constant_(network[0].weight, 3.0)
    average.enter(network)
    assert network[0].weight.item() == 1.0
    average.leave(network)
    assert network[0].weight.item() == 3.0
    average.leave(network)
    assert network[0].weight.item() == 3.0


def test_a_new_parameter_begins_with_its_value() -> None:
    average, network = MovingAverage(0.9), model(1.0)
    average.update(network)
    grown = nn.Sequential(nn.Linear(1, 2, bias=False), network[1])
    average.update(grown)
    assert torch.equal(average.average["0.weight"], grown[0].weight)


def test_state() -> None:
    average, other = MovingAverage(0.9), MovingAverage(0.9)
    average.update(model(1.0))
    other.restore(average.state())
    for each in (average, other):
        each.update(model(2.0))
    assert torch.equal(average.average["0.weight"], other.average["0.weight"])
