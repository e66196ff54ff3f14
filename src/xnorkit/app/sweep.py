"""A recipe trained once with every combination of some values of its fields; Optuna keeps what is done."""

import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from xnorkit.data import create_data, list_data
from xnorkit.errors import DataError, InputError, OutputError, RecipeError, XnorkitError
from xnorkit.models import create_model
from xnorkit.own import is_own
from xnorkit.owned import OwnedFolder
from xnorkit.train.fit import fit
from xnorkit.train.folder import run_name
from xnorkit.train.load_recipe import load_recipe
from xnorkit.train.machine import Hardware
from xnorkit.train.recipe import Recipe

__all__ = ["Grid", "SweepTrial", "run_sweep", "split_values"]

STUDY = "study.db"
LONGEST = 200  # characters of a folder's name; file systems take 255


@dataclass(frozen=True)
class SweepTrial:
    """One combination: the folder of its run, and the run's result as JSON values, or why it failed."""

    values: dict[str, str]
    folder: Path
    result: dict[str, Any] | None = None
    error: str | None = None

    @property
    def words(self) -> str:
        """The values, as typed."""
        return " ".join(f"{field}={value}" for field, value in self.values.items())

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {"values": self.values, "folder": str(self.folder), "result": self.result, "error": self.error}


class Grid:
    """The combinations of the values that overrides name, the last field changing fastest.

    Args:
        name: of a recipe, as for `load_recipe`.
        overrides: "key=value", or "key=a,b,c" for a field with several values.
        defaults: as for `load_recipe`.

    Raises:
        RecipeError: a recipe of one of the combinations is not one; two combinations are the same; no field has
            several values; a field stands twice.
    """

    def __init__(self, name: str, overrides: Sequence[str], defaults: Mapping[str, Any] | None = None) -> None:
        given = {}
        for override in overrides:
            field, _, text = override.partition("=")
            if field in given:
                raise RecipeError(f"the field {field} is given twice, but it must stand once, with all of its values.")
            given[field] = split_values(text)
        self.axes = {field: values for field, values in given.items() if len(values) > 1}
        if not self.axes:
            raise RecipeError(
                f"each field of {' '.join(overrides) or 'the sweep'} has one value, but one field must have several. "
                "Write them with commas between them, as optimizer.lr=0.001,0.003."
            )
        for field, values in self.axes.items():
            if "" in values:
                raise RecipeError(f"{field}={','.join(values)} has an empty value, but each must be given.")
        fixed = [override for override in overrides if override.partition("=")[0] not in self.axes]
        points = [dict(zip(self.axes, point, strict=True)) for point in itertools.product(*self.axes.values())]
        self.recipes: dict[str, tuple[dict[str, str], Recipe]] = {}  # by the name of the run's folder
        for point in points:
            own = [f"{field}={value}" for field, value in point.items()]
            recipe = load_recipe(name, [*fixed, *own], defaults)
            if any(recipe == other for _, other in self.recipes.values()):
                raise RecipeError(f"{' '.join(own)} is the same training as another one, but each must be another.")
            _check_names(recipe, [other for _, other in self.recipes.values()])
            folder = run_name(point)[:LONGEST]
            self.recipes[f"{folder}-{len(self.recipes)}" if folder in self.recipes else folder] = point, recipe

    @property
    def selects(self) -> bool:
        """Whether every training holds out the same images to choose by."""
        held = {(recipe.data.name, recipe.data.selection) for _, recipe in self.recipes.values()}
        return len(held) == 1 and all(share > 0 for _, share in held)

    def trial(self, output: Path, folder: str, **found: Any) -> SweepTrial:
        """Return the combination of a run's folder, with what was found."""
        return SweepTrial(self.recipes[folder][0], output / folder, **found)


def _check_names(recipe: Recipe, checked: Sequence[Recipe]) -> None:
    """Refuse a model or data set of ours that there is not; one like that of a `checked` recipe is."""
    data, model = recipe.data.name, recipe.model
    if not is_own(data) and data not in list_data():
        create_data(data)
    own = is_own(model.name) or is_own(model.binarization)
    if not own and all(model != other.model for other in checked):
        with torch.device("meta"):
            create_model(model.name, 10, model.binarization, **model.options)


def split_values(text: str) -> list[str]:
    """Return the values between the commas of a text; those inside brackets, braces and quotes separate nothing."""
    values, quote, depth = [""], "", 0
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth <= 0:
            values.append("")
            continue
        values[-1] += letter
    return [value.strip() for value in values]


class _FailedError(Exception):
    """A training failed because of its values; the sweep goes on."""


def run_sweep(grid: Grid, output: Path, *, hardware: Hardware, progress: bool, **options: Any) -> list[SweepTrial]:
    """Train each combination of `grid` into a folder of its own in `output`, and return them all.

    What is done stands in `output/study.db`, a study of Optuna, and is not trained again; a training that was
    interrupted continues after its last complete epoch. The value of a trial is its top-1 of the selection split, or of
    the evaluation split where `grid.selects` is False.

    Args:
        grid: what to train.
        output: folder, made if absent.
        hardware: of each training; one process.
        progress: lines on standard error.
        options: as for `fit`.

    Raises:
        InputError: the folder holds another sweep, or another process trains in it.
        XnorkitError: what stops every training, as absent data or a full disk. A training that fails in another way,
            as by a loss that is not finite, is a trial with an error.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    own = OwnedFolder(output)
    with own.held():
        own.claim([STUDY])
        try:
            trials = _run(grid, output, hardware, {**options, "progress": progress})
        except (StorageInternalError, SQLAlchemyError) as error:
            reason = str(error.__cause__ or error).splitlines()[0]
            raise OutputError(
                f"{output / STUDY} cannot be read or written ({reason}), but it must be the study of this sweep, on a "
                "disk with space. Make room, or choose another output folder."
            ) from error
        finally:
            if not any((output / folder).exists() for folder in grid.recipes):
                own.remove(STUDY)
    return trials


def _run(grid: Grid, output: Path, hardware: Hardware, options: dict[str, Any]) -> list[SweepTrial]:
    import optuna
    from sqlalchemy import URL

    def objective(trial: Any) -> float:
        folder = trial.user_attrs["run"]
        for field, values in grid.axes.items():
            trial.suggest_categorical(field, values)
        recipe = grid.recipes[folder][1]
        if options["progress"]:
            place = list(grid.recipes).index(folder) + 1
            print(f"trial {place} of {len(grid.recipes)}: {grid.trial(output, folder).words}", file=sys.stderr)
        resume = "last" if (output / folder / "last.ckpt").is_file() else None
        try:
            result = fit(recipe, output=output / folder, resume=resume, hardware=hardware, **options)
        except (DataError, InputError):
            raise
        except XnorkitError as error:
            trial.set_user_attr("error", str(error))
            if options["progress"]:
                print(f"failed: {error}", file=sys.stderr)
            raise _FailedError from error
        trial.set_user_attr("result", json.loads(json.dumps(result.to_json(), default=str)))
        return result.best.selection_accuracy if grid.selects and result.best else result.accuracy

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(str(URL.create("sqlite", database=str(output / STUDY))))
    try:
        # Every trial is enqueued with its values, so the sampler draws nothing.
        study = optuna.create_study(
            storage=storage,
            study_name="sweep",
            direction="maximize",
            load_if_exists=True,
            sampler=optuna.samplers.RandomSampler(),
        )
        _check_same(study, grid, hardware, output)
        for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # its process was killed
        present = _known(study)
        for folder, (values, _) in grid.recipes.items():
            if folder not in present:
                study.enqueue_trial(values, user_attrs={"run": folder})
        waiting = study.get_trials(states=[optuna.trial.TrialState.WAITING])
        if options["progress"] and len(waiting) < len(grid.recipes):
            done = len(grid.recipes) - len(waiting)
            print(f"{done} of {len(grid.recipes)} trials are done.", file=sys.stderr)
        if waiting:
            study.optimize(objective, n_trials=len(waiting), catch=_FailedError)
        found = _known(study)
    finally:
        storage.remove_session()
        storage.engine.dispose()
    return [grid.trial(output, folder, **found[folder]) for folder in grid.recipes]


def _known(study: Any) -> dict[str, dict[str, Any]]:
    """Return what the study knows of each run's folder: its result or error, or nothing of one that waits."""
    found = {}
    for trial in study.get_trials(deepcopy=False):
        known = {key: trial.user_attrs[key] for key in ("result", "error") if key in trial.user_attrs}
        if known or trial.state.name == "WAITING":
            found[trial.user_attrs["run"]] = known
    return found


def _check_same(study: Any, grid: Grid, hardware: Hardware, output: Path) -> None:
    """Refuse a study of another sweep: its trainings, or the lengths of their epochs, are others."""
    limits = {"train_batches": hardware.limit_train_batches, "eval_batches": hardware.limit_eval_batches}
    nameless = {folder: replace(recipe, description="").to_dict() for folder, (_, recipe) in grid.recipes.items()}
    sweep = json.loads(json.dumps({"recipes": nameless, "limits": limits}))
    if study.user_attrs.setdefault("sweep", sweep) != sweep:
        raise InputError(
            f"{output} holds a sweep of other values, fields or limits, but a sweep must have a folder of its own. "
            "Repeat the command of that sweep to continue it, or choose another output folder."
        )
    study.set_user_attr("sweep", sweep)
