"""The study's own trainings, within its time, and the runs that it finds."""

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from xnorkit.errors import RecipeError
from xnorkit.report.study.plan import RunSpec
from xnorkit.report.study.run_folder import Run, read_runs
from xnorkit.report.study.study import Study
from xnorkit.train import Recipe, fit, load_recipe

__all__ = ["VARIANT", "command_of", "find_run", "runs_of", "train"]

VARIANT = "variant-"
"""The prefix of the folders of gradient rules and ablations, which no other table collects."""


def command_of(spec: RunSpec) -> str:
    """Return the command that trains a run into the folder where the next report finds it."""
    words = ["xnorkit train", spec.recipe, *spec.overrides]
    words += [] if spec.dataset == "digits" else ["--data DIR"]
    words += [f"--exp-name {spec.name}"] if spec.overrides else []
    return " ".join(words)


def runs_of(study: Study) -> list[Run]:
    """Return the runs in the study's own folder and in those that it collects from."""
    return read_runs((study.own_runs, *study.runs), study.note)


def find_run(study: Study, spec: RunSpec) -> Run | None:
    """Return the run of a cell of the accuracy table, preferably of the plan's recipe, then the longest.

    A run that is missing or has epochs left is trained first, if the study trains and has time left.
    """
    run = _best(study, spec)
    recipe = recipe_of_run(study, spec)
    enough = run is not None and run.finished and (run.folder.parent != study.own_runs or run.epochs >= recipe.epochs)
    if not study.trains or enough:
        return run
    if study.seconds_left() <= 0:
        study.note(f"{spec.name}: no time left to train it (--hours)")
        return run
    train(study, recipe, spec.name)
    return _best(study, spec)


def recipe_of_run(study: Study, spec: RunSpec) -> Recipe:
    """Return the recipe of a cell of the accuracy table, with the epochs of the study if these are fewer.

    A recipe of stages keeps its own: they are no number.
    """
    recipe = load_recipe(spec.recipe, spec.overrides)
    shorter = study.epochs and not recipe.stages and study.epochs < recipe.epochs
    return replace(recipe, epochs=study.epochs) if shorter else recipe


def train(study: Study, recipe: Recipe, name: str) -> None:
    """Train a recipe into the study's own folder, continuing an earlier run, until the time is over."""
    folder = study.own_runs / name
    resume = "last" if (folder / "last.ckpt").is_file() else None
    if study.deadline is None:
        fit(recipe, output=folder, data_root=study.data, resume=resume)
        return
    try:
        _train_apart(study, recipe, folder, resume)
    except subprocess.TimeoutExpired:
        study.note(f"{name}: the time is over (--hours); it continues with the next report")


def _train_apart(study: Study, recipe: Recipe, folder: Path, resume: str | None) -> None:
    """Train in a separate process, which may end at any time, because each epoch leaves a complete checkpoint.

    Raises:
        TimeoutExpired: the time of the study is over.
        RecipeError: the training fails; its last line is the reason.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "recipe.yaml"
        file.write_text(recipe.to_yaml(), encoding="utf-8")
        words = [sys.executable, "-m", "xnorkit.cli.main", "train", str(file), "--output", str(folder), "--json"]
        words += ["--resume", resume] if resume else []
        words += ["--data", str(study.data)] if study.data else []
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=study.seconds_left())
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1].removeprefix("error: ")
        raise RecipeError(f"training {folder.name} failed: {reason}")


def _best(study: Study, spec: RunSpec) -> Run | None:
    runs = [run for run in runs_of(study) if run.key == spec.key]
    return max(runs, key=lambda run: (run.recipe.name == spec.recipe, run.finished, run.epochs), default=None)
