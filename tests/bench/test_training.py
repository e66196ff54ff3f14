"""Training steps: fields of the rows, memory that cannot be less."""

import pytest

from xnorkit.bench.training import bench_training
from xnorkit.errors import InputError


def test_training_rows() -> None:
    rows = [row.to_json() for row in bench_training("lenet5", batch=4, seconds=0.05)]
    assert [row["path"] for row in rows] == ["float", "simulated"]
    fields = {"model", "path", "device", "threads", "batch", "step_ms", "peak_mib", "quartiles_ms"}
    assert all(set(row) == fields for row in rows)
    # Adam keeps two numbers per parameter, beside it and its gradient: 4 * 431,220 float32 at least.
    assert all(row["peak_mib"] > 4 * 431_220 * 4 / 2**20 for row in rows)
    assert all(row["step_ms"] > 0 for row in rows)


def test_training_on_an_unknown_device() -> None:
    with pytest.raises(InputError, match="device 'nothing' is not available"):
        bench_training("lenet5", device="nothing")
