"""Trainings of the study itself, within its time, and the runs that it finds."""

import threading
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager

from xnorkit.report.study.plan import RunSpec
from xnorkit.report.study.run_folder import Run, read_runs
from xnorkit.report.study.study import Study
from xnorkit.train import Recipe, fit, load_recipe

__all__ = ["find_run", "runs_of", "train"]


def runs_of(study: Study) -> list[Run]:
    """Return the runs in the study's own folder and in those that it collects from."""
    return read_runs((study.own_runs, *study.runs), study.note)


def find_run(study: Study, spec: RunSpec) -> Run | None:
    """Return the run of a cell of the accuracy table: of several that of the plan's recipe, then the furthest.

    A run that is missing or has epochs left is trained first, if the study trains and has time left.
    """
    run = _best(study, spec)
    if not (study.train or study.plan.trains) or (run is not None and run.finished):
        return run
    if study.seconds_left() <= 0:
        study.note(f"{spec.name}: no time left to train it (--hours)")
        return run
    train(study, load_recipe(spec.recipe, spec.overrides), spec.name)
    return _best(study, spec)


def train(study: Study, recipe: Recipe, name: str) -> None:
    """Train a recipe into the study's own folder, going on where an earlier one stopped, until the time is over."""
    folder = study.own_runs / name
    resume = "last" if (folder / "last.ckpt").is_file() else None
    with _until(study.seconds_left()) as over:
        try:
            fit(recipe, output=folder, data_root=study.data, resume=resume, progress=False)
        except KeyboardInterrupt:
            if not over.is_set():
                raise
            study.note(f"{name}: the time is over (--hours); it goes on with the next report")


def _best(study: Study, spec: RunSpec) -> Run | None:
    runs = [run for run in runs_of(study) if run.key == spec.key]
    return max(runs, key=lambda run: (run.recipe.name == spec.recipe, run.finished, run.epochs), default=None)


@contextmanager
def _until(seconds: float) -> Iterator[threading.Event]:
    """Interrupt the block, as the interrupt key would, when the seconds are over; the event tells that it was so."""
    over = threading.Event()

    def stop() -> None:
        over.set()
        interrupt_main()

    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), stop)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()
