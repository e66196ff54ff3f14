"""Every command with standard streams that are closed, full, or of few letters: one line or none, the usual code."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO

import pytest
import torch

from xnorkit.app.demo import DemoResult
from xnorkit.cli.main import COMMANDS, main

QUICK = ("--seconds", "0.02")
FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A trained checkpoint and an old one."""
    folder = tmp_path_factory.mktemp("files")
    words = ["train", "lenet5-digits", "epochs=1", "batch_size=512", "--output", str(folder / "run")]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(words) == 0
    from xnorkit.models import create_model

    model = create_model("lenet5", 10)
    torch.save({"state_dict": model.state_dict()}, folder / "old.pth.tar")
    return SimpleNamespace(checkpoint=folder / "run/last.ckpt", old=folder / "old.pth.tar")


def commands(files: SimpleNamespace, folder: Path) -> dict[str, list[str]]:
    """A short call of each command."""
    return {
        "train": ["lenet5-digits", "epochs=1", "batch_size=512", "--output", str(folder / "run"), "--overwrite"],
        "sweep": ["lenet5-digits", "seed=0,1", "epochs=1", "batch_size=512", "--output", str(folder / "sweep")],
        "evaluate": ["lenet5-digits", "--per-class"],
        "export": [str(files.checkpoint), "-o", str(folder / "x.xnor"), "--images", "2"],
        "convert": [str(files.old), "-o", str(folder / "new.ckpt")],
        "inspect": ["lenet5"],
        "predict": ["lenet5-digits", "--sample"],
        "bench": ["kernels", "--shapes", "3x3 32@5x5", *QUICK, "--against", "none"],
        "report": ["--quick", "--only", "paper-memory", "--output", str(folder / "report")],
        "demo": ["--output", str(folder / "demo")],
        "models": ["lenet*"],
        "recipes": [],
    }


@pytest.fixture(autouse=True)
def _short_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    result = DemoResult("demo \u2192", ["a"], [["b", "c\u00b5"]], {"note": "\u00d7"}, {}, Path("demo.md"))
    monkeypatch.setattr("xnorkit.app.demo._run_demo", lambda *_: result)


@contextlib.contextmanager
def gone() -> Iterator[TextIO]:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield stream


@contextlib.contextmanager
def full() -> Iterator[TextIO]:
    with FULL.open("w") as stream:
        yield stream


@contextlib.contextmanager
def ascii_only() -> Iterator[TextIO]:
    with io.TextIOWrapper(io.BytesIO(), encoding="ascii") as stream:
        yield stream


@contextlib.contextmanager
def closed() -> Iterator[None]:
    yield None


OUTPUTS: dict[str, tuple[Callable, int]] = {"gone": (gone, 0), "ascii": (ascii_only, 0), "closed": (closed, 0)}
if FULL.exists():
    OUTPUTS["full"] = (full, 2)


def test_every_command_is_here(tmp_path: Path) -> None:
    assert set(commands(SimpleNamespace(checkpoint="", old=""), tmp_path)) == set(COMMANDS)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_standard_output(
    command: str, output: str, files: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command == "sweep":
        pytest.importorskip("optuna", reason="needs xnorkit[sweep]")
    make, code = OUTPUTS[output]
    words = commands(files, tmp_path)[command]
    if command == "convert":
        words = [str(files.checkpoint), "-o", str(tmp_path / "new.ckpt")]  # refused: nothing on standard output
        code = 2
    with make() as stream, io.StringIO() as errors:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", errors)
        found = main([command, *words])
        monkeypatch.undo()
        lines = [line for line in errors.getvalue().splitlines() if line.startswith("error: ")]
        assert "Traceback" not in errors.getvalue()
    assert found == code
    assert len(lines) == (1 if code else 0)
    if output == "full" and command != "convert":
        assert lines[0].startswith("error: standard output cannot be written (No space left on device), but it must")


@pytest.mark.parametrize("output", ["gone", *(["full"] if FULL.exists() else []), "closed"])
def test_progress_that_nobody_reads_stops_nothing(output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["train", "lenet5-digits", "epochs=1", "batch_size=512", "--output", str(tmp_path / "run")]
    with OUTPUTS[output][0]() as stream, io.StringIO() as out:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(words) == 0
        monkeypatch.undo()
        assert "top-1" in out.getvalue()
    assert (tmp_path / "run/last.ckpt").is_file()


PROGRAM = [sys.executable, "-m", "xnorkit.cli.main"]


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("recipes | head -1", 0),
        ("--help | head -1", 0),
        ("recipes >&-", 0),
        ("recipes >&- 2>&-", 0),
        ("recipes <&- >/dev/null", 0),
        ("recipes >/dev/full", 2),
        ("--help >/dev/full", 2),
        ("train nothing 2>&-", 2),
        ("train nothing 2>/dev/full", 2),
        ("recipes --json | head -c 1 >/dev/null", 0),
    ],
)
def test_in_a_shell(line: str, code: int) -> None:
    words, *pipe = line.split(" |")
    shell = f"set -o pipefail; {sys.executable} -m xnorkit.cli.main {words}" + "".join(f" |{part}" for part in pipe)
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.stderr.count("\n") <= 1


@pytest.mark.parametrize("name", ["\u00fc.xnor", "\udcff.xnor", "a\nb.xnor"])
def test_names_in_few_letters(name: str, tmp_path: Path) -> None:
    with contextlib.suppress(OSError):  # file systems that know no such name
        (tmp_path / name).touch()
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    words = [*PROGRAM, "evaluate", os.fsencode(tmp_path / name)]
    done = subprocess.run(words, capture_output=True, timeout=120, check=False, env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1
    assert json.dumps(done.stderr.decode("ascii"))
