"""The parts that the steps of a study share: its plan, folders and options, and the step itself."""

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
        folder: the folder of records.jsonl, pictures/, models/ (packed) and runs/ (the study's own trainings).
        data: the folder of the data sets, or None for the default.
        runs: folders of trainings to collect.
        threads: the number of threads for all timings except the kernels, which take 1.
        train: whether the study trains missing runs.
        deadline: the end of their time on `time.monotonic`, or None without a limit.
        seeds: the seeds of the gradient rules and the ablation.
        epochs: the epochs of these, or 0 for those of the plan.
        note: a function that takes lines about omissions.
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
        """The folder of the study's own trainings."""
        return self.folder / "runs"

    @property
    def trains(self) -> bool:
        """Whether the study trains missing runs."""
        return self.train or self.plan.trains

    def seconds_left(self) -> float:
        """Return the time left for trainings."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()

    @property
    def command(self) -> str:
        """The command that starts the study again."""
        words = ["xnorkit report", "--quick" if self.plan.mode == "quick" else "", f"--output {self.folder}"]
        words += [f"--data {self.data}" if self.data else "", "--train" if self.train and not self.plan.trains else ""]
        return " ".join(filter(None, words))


@dataclass(frozen=True)
class Step:
    """A unit of measurement.

    Attributes:
        title: the title in the line of progress.
        seconds: the expected time on two idle cores, for the time left.
        blanks: its records, still "not run", with the id, subject and command that fills them.
        measure: a function that yields these records and possibly more.
        again: measure again even if complete, because runs in folders may have changed.
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
