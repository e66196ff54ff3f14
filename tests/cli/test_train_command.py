"""`xnorkit train` as a user types it: order of words, interrupt, resume, mistakes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xnorkit.cli.main import main
from xnorkit.cli.train import arrange


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["train", "lenet5-digits", *map(str, words)]) == 2
    return capsys.readouterr().err


def test_overrides_stand_anywhere() -> None:
    assert arrange(["r", "--data", "a=b", "epochs=1", "--json", "seed=2"]) == [
        *("r", "epochs=1", "seed=2"),
        *("--data", "a=b", "--json"),
    ]
    assert arrange(["--output=x", "epochs=1", "r"]) == ["r", "epochs=1", "--output=x"]


def test_overrides_behind_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "lenet5-digits", "--output", str(tmp_path), "--json", "epochs=1", "batch_size=512"]) == 0
    assert json.loads(capsys.readouterr().out)["epochs"] == 1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer=3", "optimizer=3; required: its fields, name, lr"),
        ("data=mnist", "Write data.name=mnist."),
        ("stages=[1]", "stages.0=1; required: its fields, name, epochs"),
        ("optimizer=null", "'optimizer' is empty"),
        ("epochs=", "'epochs' is empty"),
        ("epochs=abc", "epochs=abc; required: a whole number"),
    ],
)
def test_wrong_values(override: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(capsys, override)
    assert message in error
    assert error.count("\n") == 1


def test_fewer_epochs_than_are_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "lenet5-digits", "batch_size=512", "--output", str(tmp_path)]
    assert main([*words, "epochs=2"]) == 0
    capsys.readouterr()
    assert main([*words, "epochs=1", "--resume", "last"]) == 2
    assert "has 2 epochs behind it" in capsys.readouterr().err


def test_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "xnorkit.cli.main", "train", "lenet5-digits", "epochs=500", "--output", "run"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "run" / "last.ckpt").is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "run/last.ckpt holds the last whole epoch; go on with --resume last" in error
    assert "Traceback" not in error


def test_an_altered_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "lenet5-digits", "epochs=1", "batch_size=512", "--output", str(tmp_path)]) == 0
    checkpoint = tmp_path / "last.ckpt"
    data = bytearray(checkpoint.read_bytes())
    data[200_000] ^= 1
    checkpoint.write_bytes(data)
    capsys.readouterr()
    assert main(["export", str(checkpoint), "-o", str(tmp_path / "x.xnor")]) == 2
    error = capsys.readouterr().err
    assert "or damaged" in error
    assert error.count("\n") == 1


def test_a_name_that_leads_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert "name=../evil; required: letters" in refused(capsys, "name=../evil")


def test_divergence_in_the_first_epoch_speaks_of_no_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, "optimizer.lr=1e30", "--output", tmp_path)
    assert "Lower optimizer.lr (now 1e+30)" in error
    assert "last.ckpt" not in error
