"""Random networks as users write them are packed to the model's own numbers, or refused by one error; nothing else."""

import pytest
from differential import Tally, compare
from random_forwards import STEPS, random_forward

SEEDS = 240  # make torture-networks runs 20,000


@pytest.mark.parametrize("part", range(6))
def test_equal_or_refused_by_name(part: int) -> None:
    tally = Tally()
    for seed in range(part * SEEDS // 6, (part + 1) * SEEDS // 6):
        tally.add(seed, compare(seed, onnx=seed % 5 == 0))
    assert tally.faults == []
    assert tally.counts["equal"] >= SEEDS // 20  # a generator whose networks are all refused would prove nothing


def test_every_kind_of_step_is_drawn() -> None:
    drawn = {name for seed in range(SEEDS) for name in random_forward(seed)[0].names}
    assert set(STEPS) <= drawn


def test_a_wrong_program_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself can fail: a mean taken for another one is no longer refused, nor equal."""
    monkeypatch.setattr("xnorkit.compile.frontend.network._is_whole_mean", lambda view, dims: view.index.shape[1] > 1)
    tally = Tally()
    for seed in range(SEEDS):
        tally.add(seed, compare(seed))
        if tally.faults:
            break
    assert tally.faults
