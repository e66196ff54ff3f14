"""What the steps of a study share: its plan, its folders and options, and what a step is."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from xnorkit.bench.engines import Note, silent
from xnorkit.report.records import Number, Record, Store, Values
from xnorkit.report.study.plan import Plan

__all__ = ["Step", "Study", "Subject", "blank", "measured"]

Subject = Mapping[str, str | int | float]


@dataclass(frozen=True)
class Study:
    """A study in a folder.

    Attributes:
        plan: what is measured.
        folder: of records.jsonl, pictures/, models/ (packed) and runs/ (trainings of the study itself).
        data: folder of the data sets; None for the default.
        runs: folders of trainings to collect.
        threads: of everything that is timed, except the kernels, which take 1.
        train: whether runs that are missing are trained.
        deadline: when their time is over, on `time.monotonic`; None without a limit.
        seeds: of the gradient rules and the ablation.
        epochs: of these; 0 for the plan's.
        note: takes lines about what was left out.
    """

    plan: Plan
    folder: Path
    data: Path | None = None
    runs: tuple[Path, ...] = ()
    threads: int = 1
    train: bool = False
    deadline: float | None = None
    seeds: tuple[int, ...] = (0,)
    epochs: int = 0
    note: Note = field(default=silent)

    @cached_property
    def store(self) -> Store:
        """The records."""
        return Store(self.folder)

    @property
    def own_runs(self) -> Path:
        """Where the study trains."""
        return self.folder / "runs"

    @property
    def trains(self) -> bool:
        """Whether the study trains what is missing."""
        return self.train or self.plan.trains

    def seconds_left(self) -> float:
        """Return the time left for trainings."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()

    @property
    def command(self) -> str:
        """How the study is begun again."""
        words = ["xnorkit report", "--quick" if self.plan.mode == "quick" else "", f"--output {self.folder}"]
        words += [f"--data {self.data}" if self.data else "", "--train" if self.train and not self.plan.trains else ""]
        return " ".join(filter(None, words))


@dataclass(frozen=True)
class Step:
    """Something to measure at once.

    Attributes:
        title: for the line of progress.
        seconds: expected on two idle cores, for the time left.
        blanks: the records it gives, still "not run": with id, subject and the command that fills them.
        measure: gives them; more, as of further runs, are welcome.
        again: measure even what is done, as it may have changed (runs in folders).
    """

    title: str
    seconds: float
    blanks: Sequence[Record]
    measure: Callable[[], Iterable[Record]]
    again: bool = False


def blank(experiment: str, key: str, subject: Subject, command: str, reason: str = "not measured yet") -> Record:
    """Return a record without values, whose id is `key` in the experiment."""
    return Record(f"{experiment}/{key}", experiment, subject, status="not run", reason=reason, command=command)


def measured(
    record: Record,
    values: Values,
    spread: Mapping[str, Sequence[Number]] | None = None,
    *,
    status: str = "measured",
    reason: str = "",
    subject: Subject | None = None,
) -> Record:
    """Return a blank record filled with values; `subject` adds what is known only now."""
    whole = {**record.subject, **(subject or {})}
    return replace(record, values=values, spread=spread or {}, status=status, reason=reason, subject=whole)
