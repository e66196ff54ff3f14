"""Training steps are measured on the path that a user's training takes on this machine."""

import pytest

from xnorkit.bench.training import bench_training
from xnorkit.bench.training_step import binary_path


def test_the_path_is_the_one_that_training_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("simulated", "packed"):
        monkeypatch.setenv("XNORKIT_TRAIN", path)
        assert binary_path() == path
        (row,) = bench_training("lenet5", paths=(binary_path(),), batch=8, threads=(1,), seconds=0.01)
        assert row.path == path
