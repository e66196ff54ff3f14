"""The content of a run folder: its recipe and the differences from the shipped one, epochs, accuracy, time."""

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

OWN = ("name", "description", "seed", "epochs")  # fields that are not overrides, or have their own place


@dataclass(frozen=True)
class RunRecord:
    """A run, finished or not.

    Attributes:
        folder: the folder of `xnorkit train`.
        recipe: the recipe with all its fields.
        epochs: the number of completed epochs.
        planned: the epochs of the recipe as shipped.
        top1: the accuracy of the last epoch on the evaluation split, in PyTorch.
        seconds: the time of all epochs.
        overrides: the fields that differ from the recipe as shipped, as `key=value`.
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
        """The number of its last epoch."""
        return self.folder / "last.ckpt"

    @property
    def finished(self) -> bool:
        """Whether the run has completed all its epochs."""
        return self.epochs == self.recipe.epochs


def read_run(folder: Path) -> RunRecord:
    """Return the content of the folder of a run.

    Raises:
        InputError: the folder is not a run folder, or has no finished epoch.
        RecipeError: no recipe of that name ships.
    """
    from xnorkit.train import load_recipe

    recipe_file, log = folder / "recipe.yaml", folder / "log.csv"
    if not recipe_file.is_file() or not log.is_file():
        raise InputError(f"{folder} must be a run folder of `xnorkit train`, but it has no recipe.yaml and log.csv.")
    recipe = load_recipe(recipe_file)
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise InputError(f"{log} has no epoch, but the run must have at least one.")
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
        raise InputError("at least one run folder is needed, but there is none.")
    for before, run in pairwise(runs):
        same = (before.recipe.name, before.overrides, before.epochs) == (run.recipe.name, run.overrides, run.epochs)
        if not same or before.recipe.seed == run.recipe.seed:
            raise InputError(
                f"{before.folder} and {run.folder} must have the same recipe, fields and number of "
                "epochs, and different seeds, but they do not."
            )
    return runs


def _differences(shipped: Mapping[str, Any], ours: Mapping[str, Any], staged: bool) -> Iterator[str]:
    if not staged and shipped["epochs"] != ours["epochs"]:
        yield f"epochs={ours['epochs']}"
    known = dict(_flat("", shipped))
    for key, value in _flat("", ours):
        if key.partition(".")[0] not in OWN and (key not in known or known[key] != value):
            yield f"{key}={_shown(key, value)}"


def _shown(key: str, value: Any) -> str:
    """Return a value in the form of YAML."""
    if key == "teacher.checkpoint" and value is not None:  # the folder depends on the machine, the run does not
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
