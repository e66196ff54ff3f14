"""What the steps of a study share: its plan, its folders and options."""

import math
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from xnorkit.bench.engines import Note, silent
from xnorkit.report.records import Store
from xnorkit.report.study.plan import Plan

__all__ = ["Study"]


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

    def seconds_left(self) -> float:
        """Return the time left for trainings."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()

    @property
    def own_runs(self) -> Path:
        """Where the study trains."""
        return self.folder / "runs"

    @property
    def command(self) -> str:
        """How the study is begun again."""
        words = ["xnorkit report", "--quick" if self.plan.mode == "quick" else "", f"--output {self.folder}"]
        words += [f"--data {self.data}" if self.data else "", "--train" if self.train and not self.plan.trains else ""]
        return " ".join(filter(None, words))
