"""Runs the steps of a study: skips what is done, stores each record at once, tells progress and time left."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from xnorkit.bench.load import OtherLoad
from xnorkit.errors import InputError, XnorkitError
from xnorkit.report.records import EXPERIMENTS, Record
from xnorkit.report.study import (
    accuracy,
    deployed,
    inference,
    kernels,
    memory,
    paper_memory,
    peaks,
    pictures,
    training_time,
    variants,
)
from xnorkit.report.study.conditions import machine, now
from xnorkit.report.study.signals import usual_signal_stack
from xnorkit.report.study.step import Step
from xnorkit.report.study.study import Study

__all__ = ["StudyResult", "run_study", "steps_of"]

MINUTE = 60
Steps = Callable[[Study], Iterable[Step]]


def _variants(experiment: str) -> Steps:
    return lambda study: variants.steps(study, experiment)


# The order of measuring: timings first, while nothing else has warmed the machine, trainings last.
ROOMS: dict[tuple[str, ...], Steps] = {
    ("peaks",): peaks.steps,
    ("memory",): memory.steps,
    ("paper-memory",): paper_memory.steps,
    ("channels", "filter", "lenet-channels", "lenet-filter"): kernels.steps,
    ("inference",): inference.steps,
    ("training-time",): training_time.steps,
    ("accuracy", "curve"): accuracy.steps,
    ("deployed",): deployed.steps,
    ("picture",): pictures.steps,
    ("gradients",): _variants("gradients"),
    ("ablation",): _variants("ablation"),
}


@dataclass(frozen=True)
class StudyResult:
    """Number of records by status after a study, and its seconds."""

    measured: int
    in_part: int
    not_run: int
    steps: int
    skipped: int
    seconds: float


def steps_of(study: Study, only: Sequence[str] = ()) -> list[Step]:
    """Return the steps of a study, all or those of some experiments.

    Raises:
        InputError: an unknown experiment, with near matches.
    """
    for name in only:
        if name not in EXPERIMENTS:
            near = get_close_matches(name, EXPERIMENTS, n=2) or EXPERIMENTS
            raise InputError(f"--only {name}; required: experiments with commas between them: {', '.join(near)}.")
    chosen = []
    for experiments, make in ROOMS.items():
        if not only or set(only) & set(experiments):
            chosen += [step for step in make(study) if _wanted(step, only)]
    return chosen


def run_study(study: Study, only: Sequence[str] = (), *, show: Callable[[str], None] | None = None) -> StudyResult:
    """Run what is not done yet and return how much there is now.

    A step that fails with an error of this library leaves its records "not run", with the reason.

    Args:
        study: what to measure, and where.
        only: experiments; all by default.
        show: takes a line of progress per step; on standard error by default.

    Raises:
        InputError: as `steps_of`, or a folder that cannot be written.
        KeyboardInterrupt: the interrupt key; what was measured until then is stored, and a line tells how to go on.
    """
    show = show or _print
    steps = steps_of(study, only)
    left = [step for step in steps if step.again or not all(study.store.done(record.id) for record in step.blanks)]
    start = time.monotonic()
    clock = _Clock([step.seconds for step in left])
    try:
        for number, step in enumerate(left):
            show(f"[{number + 1}/{len(left)}] {step.title} (about {clock.left(number)} left)")
            _run(study, step)
            clock.tick(number)
    except KeyboardInterrupt:
        show(f"interrupted; {len(study.store)} records are in {study.store.path}. Go on with: {study.command}")
        raise
    records = study.store.find()
    count = {
        status: sum(record.status == status for record in records) for status in ("measured", "in part", "not run")
    }
    return StudyResult(
        count["measured"],
        count["in part"],
        count["not run"],
        len(steps),
        len(steps) - len(left),
        time.monotonic() - start,
    )


def _wanted(step: Step, only: Sequence[str]) -> bool:
    return not only or not step.blanks or any(record.experiment in only for record in step.blanks)


def _run(study: Study, step: Step) -> None:
    """Store the records of a step; those that do not come stay "not run", with the reason."""
    others = OtherLoad()
    missing = {record.id: record for record in step.blanks}
    reason = ""
    try:
        for record in step.measure():
            missing.pop(record.id, None)
            _store(study, record, others)
    except XnorkitError as error:
        reason = str(error)
        study.note(f"{step.title}: {reason}")
    finally:
        usual_signal_stack()
    for record in missing.values():
        if not study.store.done(record.id):
            _store(study, replace(record, reason=reason or record.reason), others)


def _store(study: Study, record: Record, others: OtherLoad) -> None:
    """Append a record under its conditions, unless the store has it just so."""
    before = study.store.get(record.id)
    if before is not None and replace(before, conditions={}) == replace(record, conditions={}):
        return
    conditions = {
        **machine(),
        "threads": record.subject.get("threads", study.threads),
        "date": now(),
        "seeds": [record.subject.get("seed", 0)],
        "mode": study.plan.mode,
        "busy": others.line(),
    }
    study.store.append(replace(record, conditions=conditions))


class _Clock:
    """Time left: what the steps ahead are expected to take, times how slow those behind were."""

    def __init__(self, expected: Sequence[float]) -> None:
        self._expected = expected
        self._start = time.monotonic()
        self._ratio = 1.0

    def tick(self, number: int) -> None:
        """Note that a step is over."""
        behind = sum(self._expected[: number + 1])
        if behind > 0:
            self._ratio = (time.monotonic() - self._start) / behind

    def left(self, number: int) -> str:
        """Return the time from the beginning of a step to the end, in words."""
        seconds = sum(self._expected[number:]) * self._ratio
        return f"{seconds:.0f} s" if seconds < 2 * MINUTE else f"{seconds / MINUTE:.0f} min"


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
