"""Run the steps of a study: skip completed ones, store each record at once, report progress and time left."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial

from xnorkit.bench.load import OtherLoad
from xnorkit.errors import InputError, XnorkitError
from xnorkit.report.records import EXPERIMENTS, Record
from xnorkit.report.study.accuracy import accuracy_steps, deployed_steps
from xnorkit.report.study.conditions import machine, usual_signal_stack
from xnorkit.report.study.kernels import peak_steps, sweep_steps
from xnorkit.report.study.pictures import picture_steps
from xnorkit.report.study.sizes import counted_steps, measured_steps
from xnorkit.report.study.study import Step, Study
from xnorkit.report.study.timing import inference_steps, training_steps
from xnorkit.report.study.variants import variant_steps

__all__ = ["StudyResult", "run_study", "steps_of"]

MINUTE = 60
Steps = Callable[[Study], Iterable[Step]]

# The order of measuring: timings first, while nothing else has warmed the machine, trainings last.
ROOMS: dict[tuple[str, ...], Steps] = {
    ("peaks",): peak_steps,
    ("memory",): measured_steps,
    ("paper-memory",): counted_steps,
    ("channels", "filter", "lenet-channels", "lenet-filter"): sweep_steps,
    ("inference",): inference_steps,
    ("training-time",): training_steps,
    ("accuracy", "curve"): accuracy_steps,
    ("deployed",): deployed_steps,
    ("picture",): picture_steps,
    ("gradients",): partial(variant_steps, experiment="gradients"),
    ("ablation",): partial(variant_steps, experiment="ablation"),
}


@dataclass(frozen=True)
class StudyResult:
    """The number of records by status after a study, and its seconds."""

    measured: int
    in_part: int
    not_run: int
    steps: int
    skipped: int
    seconds: float


def steps_of(study: Study, only: Sequence[str] = ()) -> list[Step]:
    """Return the steps of a study, all or those of some experiments.

    Raises:
        InputError: an experiment is unknown; the message suggests near matches.
    """
    for name in only:
        if name not in EXPERIMENTS:
            near = get_close_matches(name, EXPERIMENTS, n=2) or EXPERIMENTS
            raise InputError(f"experiment '{name}', but experiments must be among {', '.join(near)}.")
    rooms = (make for experiments, make in ROOMS.items() if not only or set(only) & set(experiments))
    steps = [step for make in rooms for step in make(study)]
    return [s for s in steps if not only or not s.blanks or any(record.experiment in only for record in s.blanks)]


def run_study(study: Study, only: Sequence[str] = (), *, show: Callable[[str], None] | None = None) -> StudyResult:
    """Run the steps that are not complete and return the counts.

    A step that fails with an error of this library leaves its records "not run", with the reason.

    Args:
        study: the measurements and their folder.
        only: the experiments to run; by default all.
        show: a function that takes a line of progress per step; by default it prints to standard error.

    Raises:
        InputError: as `steps_of`, or the folder is not writable.
        KeyboardInterrupt: the user interrupts; the measured records are stored, and a line shows how to continue.
    """
    show = show or _print
    steps = steps_of(study, only)
    left = [step for step in steps if step.again or not all(study.store.done(record.id) for record in step.blanks)]
    start = time.monotonic()
    try:
        for number, step in enumerate(left):
            ahead = _time_left(left, number, time.monotonic() - start)
            show(f"[{number + 1}/{len(left)}] {step.title} (about {ahead} left)")
            _run(study, step)
    except KeyboardInterrupt:
        show(f"interrupted; {len(study.store)} records are in {study.store.path}. Continue with: {study.command}")
        raise
    statuses = [record.status for record in study.store.find()]
    measured, in_part, not_run = (statuses.count(status) for status in ("measured", "in part", "not run"))
    return StudyResult(measured, in_part, not_run, len(steps), len(steps) - len(left), time.monotonic() - start)


def _run(study: Study, step: Step) -> None:
    """Store the records of a step; missing ones stay "not run", with the reason."""
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
    """Append a record with its conditions, unless the store holds an equal one."""
    before = study.store.get(record.id)
    if before is not None and replace(before, conditions={}) == replace(record, conditions={}):
        return
    conditions = {
        **machine(),
        "threads": record.subject.get("threads", study.threads),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seeds": [record.subject.get("seed", 0)],
        "mode": study.plan.mode,
        "busy": others.line(),
    }
    study.store.append(replace(record, conditions=conditions))


def _time_left(steps: Sequence[Step], number: int, past: float) -> str:
    """Return the expected time of the steps from `number` on, scaled by the speed of the previous ones, as text."""
    behind, ahead = (sum(step.seconds for step in part) for part in (steps[:number], steps[number:]))
    seconds = ahead * (past / behind if behind else 1.0)
    return f"{seconds:.0f} s" if seconds < 2 * MINUTE else f"{seconds / MINUTE:.0f} min"


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
