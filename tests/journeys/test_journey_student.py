"""A student: docs/get-started.md, line by line; the report, minutes long, with XNORKIT_JOURNEYS=all."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from documents import blocks, commands, examples, section, shape, shown, typed

PAGE = "docs/get-started.md"
COMMANDS = section(PAGE, "## From the command line")


def python(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_command_prints_what_the_page_shows_and_the_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XNORKIT_ISA", raising=False)  # `bench` says more where it is set
    found = examples(COMMANDS)
    assert len(found) >= 7
    assert [line for line in commands(COMMANDS) if "report" not in line] == [line for line, _ in found]
    for line, output in found:
        assert shape(shown(line, tmp_path)) == shape(output), line
    first, second = blocks(section(PAGE, "## From Python"), "python")
    assert "(4, 10) float32" in python(first, tmp_path)
    assert "8 images, layer by layer: equal" in python(second, tmp_path)


@pytest.mark.skipif(find_spec("lightning") is None or find_spec("torchvision") is None, reason="needs xnorkit[train]")
def test_imports_of_ones_own_beside_any_build_of_torch(tmp_path: Path) -> None:
    (block,) = blocks(section(PAGE, "## PyTorch for CPUs"), "python")
    python(block, tmp_path)


@pytest.mark.skipif(os.environ.get("XNORKIT_JOURNEYS") != "all", reason="takes minutes; set XNORKIT_JOURNEYS=all")
@pytest.mark.timeout(7200)  # minutes of an idle machine are many more of a busy one
def test_the_report(tmp_path: Path) -> None:
    (line,) = [line for line in commands(COMMANDS) if "report" in line]
    typed(line, tmp_path)
    assert (tmp_path / "report" / "index.html").is_file()
