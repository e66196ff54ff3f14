"""The load of other programs: the time of all processors minus that of this program and its children."""

import os
import re
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OtherLoad", "others_seconds"]

PROC = Path("/proc")
BUSY_PROCESSORS = 0.2
OWN_ERROR = 0.05
"""The system counts this program and all programs with different clocks, which differ by less than this."""
PS = ("ps", "-A", "-o", "pid=,ppid=,time=")
PS_SECONDS = 5.0
CLOCK = re.compile(r"(?:(?P<days>\d+)-)?(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+(?:\.\d+)?)")


class OtherLoad:
    """The number of processors that other programs have used since the creation of this object.

    The load of this program and its children does not count, whether current or past. Where the system
    reports nothing (outside Linux, macOS and BSD), the load is unknown.
    """

    def __init__(self) -> None:
        self._start = _reading()

    def line(self) -> str | None:
        """Return a line if other programs used more than 0.2 processors on average, else None."""
        end = _reading()
        if self._start is None or end is None:
            return None
        wall = end.wall - self._start.wall
        others = end.others - self._start.others
        own = end.own - self._start.own
        if wall <= 0 or others < BUSY_PROCESSORS * wall + OWN_ERROR * own:
            return None
        return f"other programs took {others / wall:.1f} of {_processors()} processors"

    def words(self) -> str:
        """Return the same for a heading, whether other programs took much or little."""
        if self._start is None or _reading() is None:
            return "load by other programs unknown"
        return self.line() or f"other programs took less than {BUSY_PROCESSORS:g} of {_processors()} processors"


def others_seconds() -> tuple[float, float] | None:
    """Return the processor seconds of other programs and of this one with its children, or None if unknown.

    On Linux other programs' time is that of the processors that this program may run on, less its own. Elsewhere `ps`
    reports the time of each program that is running.
    """
    own = os.getpid()
    if PROC.joinpath("stat").is_file():
        return _from_proc(own)
    return _from_ps(own)


@dataclass(frozen=True)
class _Reading:
    wall: float
    others: float
    own: float


def _reading() -> _Reading | None:
    found = others_seconds()
    return None if found is None else _Reading(time.monotonic(), *found)


def _processors() -> int:
    return len(_allowed()) or os.cpu_count() or 1


def _allowed() -> set[int]:
    """The processors that this program may run on, or an empty set if the system does not report them."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _from_proc(own_pid: int) -> tuple[float, float] | None:
    """Read /proc/stat, whose lines cpuN count the ticks of each processor, and /proc/PID/stat of every program."""
    names = {f"cpu{number}" for number in _allowed()}
    ticks = os.sysconf("SC_CLK_TCK")
    try:
        lines = [line.split() for line in PROC.joinpath("stat").read_text(encoding="ascii").splitlines()]
        total = sum(_busy_ticks(words) for words in lines if words and words[0] in names)
        own = _own(own_pid, [_program(folder) for folder in PROC.iterdir() if folder.name.isdecimal()])
    except (OSError, ValueError, IndexError):
        return None
    return (total - own) / ticks, own / ticks


def _busy_ticks(words: list[str]) -> int:
    """Sum user, nice, system, interrupts and soft interrupts; idle and waiting are between."""
    user, nice, system, _idle, _wait, interrupt, soft = map(int, words[1:8])
    return user + nice + system + interrupt + soft


def _program(folder: Path) -> tuple[int, int, float]:
    """Return the number, parent and ticks of a program and its finished children; ticks are 0 if it has ended."""
    try:
        # The name, second and in brackets, may hold anything; state, parent, ... follow, from field 3 of proc(5).
        words = folder.joinpath("stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return int(folder.name), 0, 0
    return int(folder.name), int(words[1]), sum(map(int, words[11:15]))


def _from_ps(own_pid: int) -> tuple[float, float] | None:
    try:
        done = subprocess.run(PS, capture_output=True, text=True, check=True, timeout=PS_SECONDS)
        rows = [line.split() for line in done.stdout.splitlines()]
        programs = [(int(pid), int(parent), _clock(spent)) for pid, parent, spent in rows]
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    own = _own(own_pid, programs)
    return sum(seconds for *_, seconds in programs) - own, own


def _clock(text: str) -> float:
    """Return the seconds of [days-][hours:]minutes:seconds."""
    found = CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    days, hours, minutes, seconds = (float(part or 0) for part in found.group("days", "hours", "minutes", "seconds"))
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _own(pid: int, programs: Iterable[tuple[int, int, float]]) -> float:
    """Return the time of a program and of all its descendants."""
    children: dict[int, list[int]] = {}
    spent = dict[int, float]()
    for number, parent, time_ in programs:
        children.setdefault(parent, []).append(number)
        spent[number] = time_
    total, below = 0.0, [pid]
    while below:
        number = below.pop()
        total += spent.get(number, 0.0)
        below += children.get(number, [])
    return total
