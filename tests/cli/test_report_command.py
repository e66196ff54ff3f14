"""`xnorkit report`: what it prints, and mistakes in one line with exit code 2."""

import json
from pathlib import Path

import pytest

from xnorkit.cli.main import main


def test_measures_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "report"
    assert main(["report", "--quick", "--only", "paper-memory", "--output", str(output), "--json"]) == 0
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (result["measured"], result["not_run"], result["skipped"]) == (3, 0, 0)
    assert "[1/3] memory of AlexNet" in told.err
    assert {Path(result[name]).name for name in ("records", "html", "markdown")} == {
        "records.jsonl",
        "index.html",
        "report.md",
    }
    assert all(Path(result[name]).is_file() for name in ("records", "html", "markdown"))
    again = tmp_path / "again"
    assert main(["report", "--from", str(output), "--output", str(again)]) == 0
    assert "html" in capsys.readouterr().out
    assert (again / "index.html").read_bytes() == (output / "index.html").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "nowhere"], "--from is nowhere, which has no records.jsonl, but it must be the folder of a"),
        (["--quick", "--only", "speed"], "experiment 'speed', but experiments must be among accuracy"),
        (["--quick", "--threads", "0"], "threads=0, but it must be an integer from 1 to 256"),
        (["--quick", "--seeds", "0"], "--seeds is 0, but it must be a number above 0."),
        (["--hours", "-1"], "--hours is -1.0, but it must be a number above 0."),
    ],
)
def test_mistakes(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", *words]) == 2
    assert message in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
