"""The load of other programs: a made-up /proc, a made-up `ps`, and this machine's own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from xnorkit.bench import load
from xnorkit.bench.load import OtherLoad, others_seconds
from xnorkit.cli import main as cli

OWN, CHILD, GRANDCHILD, OTHER = 100, 101, 102, 200
PARENTS = {1: 0, OWN: 1, CHILD: OWN, GRANDCHILD: CHILD, OTHER: 1}
TICKS = 100
Tell = Callable[..., None]


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Writes the ticks: of the processors, and of each program with its children that ended."""
    folder = tmp_path / "proc"
    (folder / "self").mkdir(parents=True)
    monkeypatch.setattr(load, "PROC", folder)
    monkeypatch.setattr(load, "_allowed", lambda: {0, 1})
    monkeypatch.setattr(os, "sysconf", lambda _: TICKS, raising=False)
    monkeypatch.setattr(os, "getpid", lambda: OWN)

    def tell(processors: Mapping[int, int], programs: Mapping[int, int], name: str = "program") -> None:
        # user nice system idle iowait irq softirq steal guest guest_nice; three of these are no work of a program.
        lines = [f"cpu{n} {busy - 6} 1 2 900 800 1 2 700 0 0" for n, busy in processors.items()]
        total = f"cpu  {sum(processors.values())} 0 0 900 800 0 0 700 0 0"
        (folder / "stat").write_text("\n".join([total, *lines, "intr 1 2", "ctxt 5", ""]))
        for pid, parent in PARENTS.items():
            file = folder / str(pid) / "stat"
            file.parent.mkdir(exist_ok=True)
            file.unlink(missing_ok=True)
            if pid in programs:
                # state and parent, nine numbers, then user, system, children's user and system, and more
                words = ["S", parent, *[0] * 9, programs[pid] - 3, 1, 1, 1, 20, 0]
                file.write_text(f"{pid} ({name}) {' '.join(map(str, words))}\n")

    return tell


def after(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + seconds)


@pytest.mark.parametrize("name", ["program", "two words", "a) R 1 (b", ") 7"])
def test_all_time_less_that_of_this_program_and_those_below_it(proc: Tell, name: str) -> None:
    proc({0: 1000, 1: 500, 2: 7000}, {1: 10, OWN: 300, CHILD: 200, GRANDCHILD: 100, OTHER: 50}, name)
    assert others_seconds() == ((1500 - 600) / TICKS, 600 / TICKS)  # processor 2 is not for this program


def test_load_of_our_own_is_none(proc: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    proc({0: 1000, 1: 1000}, {OWN: 50, CHILD: 50, OTHER: 10})
    others = OtherLoad()
    after(10, monkeypatch)
    # Both processors worked all the time, for this program and its child, which has ended: its time is its parent's.
    proc({0: 2000, 1: 2000}, {OWN: 2100, OTHER: 10})
    assert others.line() is None


@pytest.mark.parametrize(("ticks", "line"), [(100, None), (150, None), (400, "0.4"), (1500, "1.5")])
def test_load_of_others(proc: Tell, monkeypatch: pytest.MonkeyPatch, ticks: int, line: str | None) -> None:
    proc({0: 1000, 1: 1000}, {OWN: 50})
    others = OtherLoad()
    after(10, monkeypatch)
    proc({0: 1000 + ticks, 1: 1500}, {OWN: 550})
    assert others.line() == (line and f"other programs took {line} of 2 processors")


def test_an_error_of_the_systems_clocks_is_no_load(proc: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_allowed", lambda: set(range(64)))
    proc(dict.fromkeys(range(64), 1000), {OWN: 50})
    others = OtherLoad()
    after(10, monkeypatch)
    proc(dict.fromkeys(range(64), 2000), {OWN: 50 + int(0.96 * 64_000)})
    assert others.line() is None


@pytest.mark.parametrize("text", ["", "cpu0 1 2 3\n", "cpu0 a b c d e f g h\n"])
def test_a_system_that_tells_nothing_useful(proc: Tell, text: str) -> None:
    proc({0: 10}, {OWN: 5})
    (load.PROC / "stat").write_text(text)
    line = OtherLoad().line()
    assert line is None


def test_no_such_folder_asks_ps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(
        [
            f"    1     0   1-02:00:00\n  {OWN}     1   0:02.50\n  {CHILD}   {OWN}  00:00:10\n  {OTHER} 1  100:00.25\n",
            f"    1     0   1-02:00:01\n  {OWN}     1   0:12.50\n  {OTHER} 1  100:09.25\n",
        ]
    )
    monkeypatch.setattr(load, "PROC", tmp_path)
    monkeypatch.setattr(load, "_allowed", set)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "getpid", lambda: OWN)
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, stdout=next(answers))
    )
    others = OtherLoad()
    after(10, monkeypatch)
    assert others.line() == "other programs took 1.0 of 4 processors"


@pytest.mark.parametrize("answer", ["", "1 0 yesterday\n", "a b c d e\n", FileNotFoundError("ps")])
def test_no_ps_tells_no_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str | OSError) -> None:
    def run(command: object, **_: object) -> object:
        if isinstance(answer, OSError):
            raise answer
        return subprocess.CompletedProcess(command, 0, stdout=answer)

    monkeypatch.setattr(load, "PROC", tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    assert OtherLoad().line() is None


@pytest.mark.skipif(sys.platform == "win32", reason="neither /proc nor ps")
def test_this_machine() -> None:
    before = others_seconds()
    code = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    after_work = others_seconds()
    assert before is not None
    assert after_work is not None
    assert after_work[1] - before[1] > 0.4, "our own work, and that of a child that has ended, is ours"


@pytest.mark.parametrize("line", [None, "other programs took 0.9 of 2 processors"])
def test_the_command_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str | None
) -> None:
    monkeypatch.setattr(OtherLoad, "line", lambda self: line)
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 99.0, 99.0), raising=False)
    assert cli.main(["bench", "kernels", "--shapes", "3x3 8@5x5", "--seconds", "0.01", "--against", "none"]) == 0
    said = capsys.readouterr().err
    assert said == (f"the machine is busy ({line}): trust minima and ratios, not medians\n" if line else "")
