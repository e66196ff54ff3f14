"""A few seconds of `make torture`, and that it tells what it finds."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torture

PROGRAM = Path(torture.__file__)


@pytest.mark.parametrize("attack", ["16 threads", "fork", "two trainings", "altered"])
def test_attacks(attack: str) -> None:
    words = [sys.executable, str(PROGRAM), "--seconds", "4", "--only", attack]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrong 0, crashed 0, hung 0, lost 0" in done.stdout.splitlines()[-1]
    assert "tried 0" not in done.stdout


@pytest.mark.parametrize("found", ["wrong", "crashed", "hung", "lost", "tried"])
def test_what_is_found_is_told(found: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torture, "ATTACKS", {"one": (lambda *_: Counter([found]), 1.0)})
    monkeypatch.setattr(sys, "argv", ["torture.py"])
    assert torture.main() == (found != "tried")
    assert f"{found} 1" in capsys.readouterr().out


def test_nothing_tried_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torture, "ATTACKS", {})
    monkeypatch.setattr(sys, "argv", ["torture.py"])
    assert torture.main() == 1
