"""Two processes on CPUs: each image once per epoch, and the losses of one process with the same images per step."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("distributed_run.py")
IMAGES, BATCH = 96, 32


def trained(folder: Path, processes: int, model: str) -> list[dict[str, Any]]:
    """Return what each process saw."""
    output = folder / f"{model}-{processes}"
    command = [sys.executable, str(PROGRAM), str(output), str(processes), str(BATCH), model]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert (output / "last.ckpt").is_file()
    assert (output / "log.csv").read_text().count("\n") == 3, "a header and one row per epoch, from one process"
    return [json.loads(output.with_suffix(f".{rank}.json").read_text()) for rank in range(processes)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("distributed")
    return trained(folder, 1, "plain"), trained(folder, 2, "plain")


def test_each_image_once_per_epoch(plain: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    (one,), (first, second) = plain
    assert len(first["images"]) == len(second["images"]) == IMAGES
    for epoch in (0, 1):
        alone, shared = (
            [x for e, x in seen if e == epoch] for seen in (one["images"], first["images"] + second["images"])
        )
        assert len(set(alone)) == IMAGES
        assert sorted(alone) == sorted(shared)


def test_losses_are_those_of_one_process(plain: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    """The mean over two half batches is the mean over the batch; gradients are summed in another order.

    A step's gradient then differs by some units of 2^-24 relative, and so do the weights after it. 6 steps of a smooth
    loss let that grow by less than 100: bound 1e-5. A sign that flips in between would break it; the seed has none.
    """
    (one,), (first, second) = plain
    assert len(one["losses"]) == 2 * IMAGES // BATCH
    for (_, alone), (_, a), (_, b) in zip(one["losses"], first["losses"], second["losses"], strict=True):
        assert math.isclose(alone, (a + b) / 2, rel_tol=1e-5)
    for alone, shared in zip(one["result"][0], first["result"][0], strict=True):
        assert math.isclose(alone, shared, rel_tol=1e-5)


@pytest.mark.parametrize("path", ["packed", "simulated"])
def test_lenet5_on_two_processes(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With BatchNorm, whose statistics are those of half a batch, the run is another one; it must learn as well."""
    monkeypatch.setenv("XNORKIT_TRAIN", path)
    first, second = trained(tmp_path, 2, "lenet5")
    assert first["result"] == second["result"]
    assert first["average"] == second["average"], "every process has the same averaged weights and statistics"
    losses = [x for _, x in first["losses"]]
    assert all(map(math.isfinite, losses))
    assert losses[-1] < losses[0]
