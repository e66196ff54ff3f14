"""docs/get-started.md: its commands and its Python run, in the order of the page."""

import re
import shlex
from pathlib import Path

import pytest

from xnorkit.cli.main import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "get-started.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_commands_and_python_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = [line for line in blocks("bash")[1].splitlines() if line]
    assert [shlex.split(line)[0] for line in commands] == ["xnorkit"] * 6
    for line in commands:
        assert main(shlex.split(line)[1:]) == 0, line
    first, second = blocks("python")
    names: dict[str, object] = {}
    exec(first, names)
    assert names["logits"].shape == (4, 10)  # type: ignore[attr-defined]
    exec(second, {})
    assert "8 images, layer by layer: equal" in capsys.readouterr().out
