"""What a run folder tells: the recipe and how it differs from the one that ships, epochs, accuracy, time."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorkit.errors import InputError

if TYPE_CHECKING:
    from xnorkit.train import Recipe

__all__ = ["RunRecord", "read_run", "read_series"]

OWN = ("name", "description", "seed", "epochs")  # fields that are no override, or one of their own


@dataclass(frozen=True)
class RunRecord:
    """A run as far as it has come.

    Attributes:
        folder: of `xnorkit train`.
        recipe: with all its fields.
        epochs: that the run has behind it.
        planned: epochs of the recipe as it ships.
        top1: of the last epoch, on the evaluation split, in PyTorch.
        seconds: of all epochs.
        overrides: the fields in which the recipe differs from the one that ships, as `key=value`.
    """

    folder: Path
    recipe: "Recipe"
    epochs: int
    planned: int
    top1: float
    seconds: float
    overrides: tuple[str, ...]

    @property
    def checkpoint(self) -> Path:
        """Its last epoch."""
        return self.folder / "last.ckpt"

    @property
    def finished(self) -> bool:
        """Whether the run has all the epochs that it was to have."""
        return self.epochs == self.recipe.epochs


def read_run(folder: Path) -> RunRecord:
    """Return what the folder of a run tells.

    Raises:
        InputError: no run folder, or one without a finished epoch.
        RecipeError: its recipe is of no name that ships.
    """
    from xnorkit.train import load_recipe

    recipe_file, log = folder / "recipe.yaml", folder / "log.csv"
    if not recipe_file.is_file() or not log.is_file():
        raise InputError(f"{folder} has no recipe.yaml and log.csv; required: the folder of an `xnorkit train` run.")
    recipe = load_recipe(recipe_file)
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise InputError(f"{log} has no epoch; required: a run with at least one.")
    shipped = load_recipe(recipe.name)
    return RunRecord(
        folder=folder,
        recipe=recipe,
        epochs=int(rows[-1]["epoch"]),
        planned=shipped.epochs,
        top1=float(rows[-1]["eval_accuracy"]),
        seconds=round(sum(float(row["seconds"]) for row in rows), 1),
        overrides=tuple(_differences(shipped.to_dict(), recipe.to_dict(), bool(recipe.stages))),
    )


def read_series(folders: Sequence[Path]) -> list[RunRecord]:
    """Return the runs of one recipe in ascending order of their seeds.

    Raises:
        InputError: no folder; two runs differ in more than the seed, or not in the seed; or as `read_run`.
    """
    runs = sorted((read_run(folder) for folder in folders), key=lambda run: run.recipe.seed)
    if not runs:
        raise InputError("no run folder; required: at least one.")
    for before, run in pairwise(runs):
        same = (before.recipe.name, before.overrides, before.epochs) == (run.recipe.name, run.overrides, run.epochs)
        if not same or before.recipe.seed == run.recipe.seed:
            raise InputError(
                f"{before.folder} and {run.folder} are no series; required: the same recipe, fields and number of "
                "epochs, and another seed."
            )
    return runs


def _differences(shipped: Mapping[str, Any], ours: Mapping[str, Any], staged: bool) -> Iterator[str]:
    if not staged and shipped["epochs"] != ours["epochs"]:
        yield f"epochs={ours['epochs']}"
    known = dict(_flat("", shipped))
    for key, value in _flat("", ours):
        if key.partition(".")[0] not in OWN and known.get(key) != value:
            yield f"{key}={_shown(key, value)}"


def _shown(key: str, value: Any) -> str:
    """Return a value as YAML has it."""
    if key == "teacher.checkpoint" and value is not None:  # the folder is the machine's; the run is what counts
        return f"runs/{Path(value).parent.name}/{Path(value).name}"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the dotted names and values of nested mappings and lists."""
    if isinstance(value, Mapping):
        pairs: Any = value.items()
    elif isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
        pairs = enumerate(value)
    else:
        yield prefix, value
        return
    for key, entry in pairs:
        yield from _flat(f"{prefix}.{key}" if prefix else str(key), entry)
