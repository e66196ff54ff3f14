"""Where nothing is a terminal, a training says at least every 30 seconds how far it is."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from xnorkit.train import fit, load_recipe, progress
from xnorkit.train.metrics import Tally
from xnorkit.train.progress import Heartbeat


class Clock:
    """Goes on by a fixed number of seconds at each look."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


def trained(heartbeat: Heartbeat, steps: int, clock: Any, seconds_per_step: float) -> None:
    trainer: Any = SimpleNamespace(
        is_global_zero=True, current_epoch=1, max_epochs=4, num_training_batches=steps, num_val_batches=[steps]
    )
    module: Any = SimpleNamespace(training_tally=Tally(), figures={}, num_classes=10)
    heartbeat.on_train_start(trainer, module)
    heartbeat.on_train_epoch_start(trainer, module)
    for step in range(steps):
        clock.now += seconds_per_step
        heartbeat.on_train_batch_end(trainer, module, None, None, step)
    heartbeat.on_validation_start(trainer, module)
    for step in range(steps):
        clock.now += seconds_per_step
        heartbeat.on_validation_batch_end(trainer, module, None, None, step, 0)


def test_a_line_every_thirty_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(0.0)
    trained(Heartbeat(clock=clock), 20, clock, 10.0)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 40 // 3
    assert lines[0].startswith("epoch 2/4 step 3/20 0.1/s 170s left loss ")
    assert any(line.startswith("epoch 2/4 evaluating, step ") for line in lines)


@pytest.mark.parametrize("seconds", [14.0, 20.0, 29.0, 100.0])
def test_steps_of_any_length_leave_no_longer_gap(
    seconds: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, said = Clock(0.0), [0.0]
    say = Heartbeat._say
    monkeypatch.setattr(Heartbeat, "_say", lambda *given: (said.append(clock.now), say(*given)))
    trained(Heartbeat(clock=clock), 20, clock, seconds)
    assert max(b - a for a, b in pairwise(said)) <= max(30.0, seconds)


def test_short_epochs_print_nothing_more(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(0.0)
    trained(Heartbeat(clock=clock), 20, clock, 0.1)
    assert capsys.readouterr().err == ""


def test_a_run_without_a_terminal_has_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress.Heartbeat.__init__, "__defaults__", (0.0, progress.time.monotonic))
    recipe = load_recipe("lenet5-digits", ["epochs=1"])
    fit(recipe, output=tmp_path / "run")
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("epoch 1/1 step ") for line in lines) >= 10
    assert any("evaluating" in line for line in lines)
