"""A run that is killed, by a signal that nothing can catch, and resumed has the losses of one that was not."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from xnorkit.train import load_checkpoint

PROGRAM = Path(__file__).with_name("killed_run.py")


def started(recipe: str, output: Path, step: int = -1, how: str = "new") -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), recipe, str(output), str(step), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def losses(process: subprocess.Popen[str], code: int = 0) -> list[str]:
    output, error = process.communicate(timeout=120)
    assert process.returncode == code, error
    return output.splitlines()


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("recipe", "path"),
    [("lenet5-digits", "packed"), ("lenet5-digits", "simulated"), ("lenet5-digits-staged", "packed")],
)
def test_killed_and_resumed(recipe: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_TRAIN", path)
    whole, cut = started(recipe, tmp_path / "whole"), started(recipe, tmp_path / "cut", step=101)
    expected, before = losses(whole), losses(cut, code=-9)
    assert before == expected[: len(before)]
    after = losses(started(recipe, tmp_path / "cut", how="resume"))
    assert after[0].startswith("1 0 "), "goes on with the epoch in which it was killed"
    assert before[-1] == after[0], "and repeats what that epoch had done"
    assert before[:-1] + after == expected
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    names = ["last.ckpt", *(["best.ckpt"] if recipe == "lenet5-digits" else [])]
    for name in names:
        mine, theirs = (load_checkpoint(tmp_path / run / name)[0].state_dict() for run in ("cut", "whole"))
        assert all(torch.equal(mine[key], theirs[key]) for key in theirs)
